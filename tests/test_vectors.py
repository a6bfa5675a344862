"""Golden vectors: texts with what must be found in them, and where.

`rust/core/tests/vectors.rs` reads the same files.
"""

from __future__ import annotations

import base64
import codecs
import html
import json
import re
import unicodedata
import urllib.parse
from pathlib import Path
from typing import Any

import pytest

from promptward._engine import load_engine

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.10
    import tomli as tomllib

FOLDER = Path(__file__).parent / "vectors"
PACK = (FOLDER / "pack.toml").read_text("utf-8")
VECTORS = [
    pytest.param(json.loads(line), id=f"{path.stem}: {json.loads(line)['name']}")
    for path in sorted(FOLDER.glob("*.jsonl"))
    for line in path.read_text("utf-8").splitlines()
]


@pytest.fixture(scope="module")
def engine() -> Any:
    return load_engine().Engine([("pack.toml", PACK)], "", [], {})


@pytest.fixture(scope="module")
def ids(engine: Any) -> list[str]:
    return [rule["id"] for rule in json.loads(engine.rules())]


@pytest.mark.parametrize("vector", VECTORS)
def test_vector(engine: Any, ids: list[str], vector: dict[str, Any]) -> None:
    text = vector["text"]
    found, seen, total, limits = engine.inspect(text, vector["source"], vector["paranoia"])
    got = sorted((start, end, ids[rule], view) for rule, start, end, view in found)
    expected = sorted((e["start"], e["end"], e["rule"], e["view"]) for e in vector["expect"])
    assert got == expected, [(rule, view, text[start:end][:80]) for start, end, rule, view in got]
    assert sorted(limits) == sorted(vector["limits"])
    assert (seen, total) == (len(text), len(text))


def _unfold(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text)
    kept = (c for c in plain if unicodedata.category(c) not in ("Mn", "Cf", "Cc", "Lo") or c.isspace())
    return " ".join("".join(kept).casefold().replace("ſ", "s").split())


def _tags(text: str) -> str:
    return "".join(chr(ord(c) - 0xE0000) for c in text if 0xE0020 <= ord(c) < 0xE007F)


def _selectors(text: str) -> str:
    return bytes(ord(c) - 0xFE00 if ord(c) < 0xFE10 else ord(c) - 0xE0100 + 16 for c in text).decode()


def _base64(text: str) -> str:
    clean = unicodedata.normalize("NFKC", text).replace("\u200b", "").translate(str.maketrans("-_", "+/", "= \n"))
    data = base64.b64decode(clean + "=" * (-len(clean) % 4))
    if 0 in data:
        return data.decode("utf-16-be" if data[0] == 0 else "utf-16-le")
    return data.decode()


# Readings that the standard library undoes: what a finding covers must decode to what its rule matches.
DECODERS: dict[str, Any] = {
    "unicode-tags": _tags,
    "variation-selectors": _selectors,
    "base64": _base64,
    "base32": lambda t: base64.b32decode(t.upper()).decode(),
    "percent": lambda t: urllib.parse.unquote(re.sub(r"%u00(..)", r"%\1", t)),
    "html": html.unescape,
    "rot13": lambda t: codecs.decode(t, "rot13"),
    "reversed": lambda t: t[::-1],
    "reversed-words": lambda t: " ".join(word[::-1] for word in t.split()),
    "bidi": lambda t: t[::-1],
}
LATIN = {"override": r"\bignore (?:[a-z]{1,12} ){0,3}instructions\b", "hidden": r"\bobey me now\b"}


def test_expected_spans_decode_to_what_the_rules_match() -> None:
    # Guards the vectors themselves: no span is taken over from what an engine said.
    patterns = {rule["id"]: rule.get("patterns") for rule in tomllib.loads(PACK)["rule"]}
    checked = 0
    for param in VECTORS:
        vector = param.values[0]
        for expected in vector["expect"]:
            rule, view = expected["rule"], expected["view"]
            if view not in DECODERS and not (view == "text" and rule in LATIN):
                continue
            if rule in LATIN:
                assert patterns[rule] == [LATIN[rule]]
            if patterns[rule] is None:
                continue
            covered = vector["text"][expected["start"] : expected["end"]]
            decoded = DECODERS.get(view, lambda text: text)(covered)
            plain = _unfold(decoded) if rule in LATIN else " ".join(decoded.casefold().split())
            assert any(re.search(pattern, plain) for pattern in patterns[rule]), (vector["name"], decoded)
            checked += 1
    assert checked >= 60


def test_names_are_unique_and_every_rule_is_used() -> None:
    vectors = [param.values[0] for param in VECTORS]
    assert len({vector["name"] for vector in vectors}) == len(vectors) >= 120
    used = {expected["rule"] for vector in vectors for expected in vector["expect"]}
    assert used == {rule["id"] for rule in tomllib.loads(PACK)["rule"]}
