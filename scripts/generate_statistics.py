"""Write the two statistics of ordinary text that the engine's data hold.

`python scripts/generate_statistics.py grams FILE…` prints `python/promptward/data/grams.tsv`: every four-byte sequence that stands at
least fifty times in a million bytes, with its rate. The engine uses the rates only to pick, among the literals of a pattern, those that
wake it least; a wrong rate costs time, never a finding.

`python scripts/generate_statistics.py words FILE…` prints `python/promptward/data/words.txt`: the three thousand commonest words in
ASCII letters. With the words of the rules' own examples they tell where words end in text without gaps.
"""

from __future__ import annotations

import collections
import pathlib
import re
import sys

WORDS = 3000


def grams(texts: list[str]) -> None:
    """Print four-byte sequences and their rates."""
    counts: collections.Counter[bytes] = collections.Counter()
    total = 0
    for text in texts:
        data = text.encode()
        total += len(data)
        counts.update(data[i : i + 4] for i in range(len(data) - 3))
    print("# four bytes (hexadecimal), times in a million bytes of ordinary text")
    for gram, count in sorted(counts.items()):
        rate = round(count * 1e6 / total)
        if rate >= 50:
            print(f"{gram.hex()}\t{rate}")


def words(texts: list[str]) -> None:
    """Print the commonest words."""
    counts = collections.Counter(
        word for text in texts for word in re.findall(r"(?<![a-z'0-9_])[a-z]+(?![a-z'0-9_])", text)
    )
    single = {"a", "i"}
    common = [
        word for word, _ in counts.most_common(2 * WORDS) if len(word) > 2 or counts[word] > 400 or word in single
    ]
    print("\n".join(sorted(word for word in common[:WORDS] if len(word) > 1 or word in single)))


def main() -> None:
    """Print one of the two."""
    texts = [" ".join(pathlib.Path(name).read_text(encoding="utf-8").lower().split()) for name in sys.argv[2:]]
    {"grams": grams, "words": words}[sys.argv[1]](texts)


if __name__ == "__main__":
    main()
