"""The texts that the Rust and the Python benchmarks read: `python benches/corpus.py` writes `benches/corpus/*.txt`.

Every file is deterministic. A benchmark repeats a file up to the size it needs.
"""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

FOLDER = Path(__file__).parent / "corpus"

WHO = [
    "the harbour master",
    "my neighbour",
    "a retired teacher",
    "the committee",
    "our youngest cousin",
    "the baker on the corner",
    "a visiting engineer",
    "the choir",
    "nobody in the village",
    "the night porter",
    "an old friend of hers",
    "the museum",
    "half of the class",
    "the gardener",
    "a travelling salesman",
    "the council",
]
DID = [
    "repaired",
    "photographed",
    "forgot about",
    "complained about",
    "measured",
    "painted",
    "argued over",
    "borrowed",
    "wrote a long letter about",
    "admired",
    "sold",
    "catalogued",
    "rebuilt",
    "inherited",
    "quietly removed",
    "described",
]
WHAT = [
    "the wooden bridge behind the mill",
    "a collection of brass clocks",
    "the timetable of the evening ferry",
    "three barrels of salted herring",
    "the map that hung in the hall",
    "a piano with eleven missing keys",
    "the roof of the boathouse",
    "an orchard of forty plum trees",
    "the weather station on the ridge",
    "a box of unsent postcards",
    "the lamp above the stage",
    "two bicycles without chains",
    "the recipe for rye bread",
    "a model of the lighthouse",
    "the fence along the canal",
    "last year's accounts",
]
WHEN = [
    "before the first snow fell",
    "while the kettle was still boiling",
    "on a Tuesday in late autumn",
    "long after the shops had closed",
    "during the regatta",
    "as soon as the fog lifted",
    "between two thunderstorms",
    "in the summer of the great drought",
    "without telling anyone",
    "as they had done every spring",
    "at the suggestion of a passing sailor",
    "when the lift was out of order again",
]
AND = [
    "Nobody could say why.",
    "It took the better part of a week.",
    "The newspaper printed a small notice about it.",
    "By then the paint had dried.",
    "This was considered good luck.",
    "The cost was never discussed.",
    "Some of it can still be seen today.",
    "Her brother laughed and put the coffee on.",
    "They agreed to meet again in March.",
    "What remained was given to the school.",
    "It rained all the same.",
    "Most of us had expected something larger.",
]
ASK = [
    "Could you explain how {} works, in plain words?",
    "Write a short story about {}.",
    "What would be a fair price for {}?",
    "Help me plan a day trip to see {}.",
    "Translate this sentence into Spanish: we finally found {}.",
    "Give me five facts about {}.",
    "How do I photograph {} at night?",
    "Draft a polite mail about {}.",
    "Which books would you recommend on {}?",
    "Summarise the history of {} in three sentences.",
]
CJK = [
    "今天天气很好，我们去公园散步吧。",
    "图书馆每天早上九点开门，晚上六点关门。",
    "请问去火车站怎么走？",
    "她把旧钟表一个一个地修好了。",
    "昨晚的音乐会非常精彩。",
    "秋天的时候，山上的树叶都变红了。",
    "今日はとても良い天気ですね。",
    "駅前のパン屋は朝七時に開きます。",
    "古い橋の写真を三枚撮りました。",
    "来週の会議は火曜日に変更されました。",
    "오늘은 날씨가 정말 좋네요.",
    "도서관은 아침 아홉 시에 문을 엽니다.",
    "할머니께 생신 축하 편지를 썼어요.",
    "기차는 정시에 도착했습니다.",
]
CODE = '''\
def {name}(values: list[float], limit: int = {n}) -> float:
    """Return the mean of the first `limit` values."""
    total = 0.0
    for index, value in enumerate(values[:limit]):
        if value != value:  # not a number
            continue
        total += value * (index % {m} + 1)
    return total / max(1, min(limit, len(values)))


class {title}:
    table = {{"{name}": {n}, 'other': [{m}, 0x{n:x}, 1e-{m}]}}

    def __getitem__(self, key):
        return self.table.get(key, None) or f"{{key!r}} is missing\\n"


'''


def prose(rng: random.Random, size: int) -> str:
    out = ""
    while len(out) < size:
        sentences = [
            f"{who[0].upper()}{who[1:]} {rng.choice(DID)} {rng.choice(WHAT)} {rng.choice(WHEN)}. {rng.choice(AND)}"
            for who in rng.sample(WHO, 5)
        ]
        out += " ".join(sentences) + "\n\n"
    return out


def chat(rng: random.Random, size: int) -> str:
    out = ""
    while len(out) < size:
        out += rng.choice(ASK).format(rng.choice(WHAT)) + rng.choice(["", " Thanks!", " Keep it short.", " 😊"]) + "\n"
    return out


def code(rng: random.Random, size: int) -> str:
    out = ""
    while len(out) < size:
        name = rng.choice(["mean", "centre", "weighted", "moving", "robust"]) + f"_{rng.randrange(100)}"
        out += CODE.format(
            name=name, title=name.title().replace("_", ""), n=rng.randrange(10, 999), m=rng.randrange(2, 9)
        )
    return out


def cjk(rng: random.Random, size: int) -> str:
    out = ""
    while len(out) * 3 < size:
        out += "".join(rng.sample(CJK, 5)) + "\n"
    return out


def records(rng: random.Random, size: int) -> str:
    rows: list[dict[str, object]] = []
    while len(rows) * 160 < size:
        rows.append(
            {
                "id": f"{rng.randrange(2**32):08x}",
                "who": rng.choice(WHO),
                "what": rng.choice(WHAT),
                "price": round(rng.random() * 1000, 2),
                "tags": rng.sample(["old", "wood", "brass", "boat", "tree", "paper"], 2),
                "ok": rng.random() < 0.5,
                "note": None,
            }
        )
    return json.dumps(rows, indent=1) + "\n"


def hostile(rng: random.Random, size: int) -> str:
    """Near misses, half encodings, odd characters: nothing in it is an attack, all of it wakes the engine."""
    pieces: list[Callable[[], str]] = [
        lambda: "ignore the noise, not the previous concert; " * 3,
        lambda: "%41%zz&#12;&#x;\\u00zz=4 " * 3,
        lambda: "1l1l0o0 5$5 4@4 " * 4,
        lambda: "a b c d e f g h i j ",
        lambda: "[[[[((((" * 6,
        lambda: "é\u0301\u0302ü\u200b\u200d ﬁ ½ ",
        lambda: "".join(rng.choices("0123456789abcdef", k=40)) + " ",
        lambda: ".- -... / ..--.. ",
        lambda: "ǝ ɐ ɹ оо ее ",
    ]
    out = ""
    while len(out) < size:
        out += rng.choice(pieces)() + "\n"
    return out


CORPORA = {"prose": prose, "chat": chat, "code": code, "cjk": cjk, "json": records, "hostile": hostile}
SIZE = 16_384


def main() -> None:
    """Write the files."""
    FOLDER.mkdir(exist_ok=True)
    for name, make in CORPORA.items():
        (FOLDER / f"{name}.txt").write_text(make(random.Random(name), SIZE), "utf-8", newline="\n")


if __name__ == "__main__":
    main()
