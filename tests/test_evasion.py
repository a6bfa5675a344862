"""Disguised and encoded attacks are found as in the clear, and where they are; harmless texts stay harmless."""

from __future__ import annotations

import hashlib
import random
import re
import zlib
from functools import lru_cache

import pytest

from promptward import Action, Firewall
from transforms import DISGUISES, ENCODINGS, LATIN_ONLY, SMUGGLING

FLOOR = 0.97
# Where the goal is not reached yet (docs/detection.md says why), the floor is just below what is: it may only rise.
FLOORS = {"spacing": 0.93, "spacing, no word gaps": 0.75, "reversed words": 0.9}
SAMPLE = 150
TRANSFORMS = {**DISGUISES, **ENCODINGS}
FIREWALL = Firewall()
# Markup is left out: Morse code has no signs for it, and letters that are set apart or turned around leave no tags.
SENTENCE = re.compile(r"""[A-Za-z0-9 .,:;!?'"()-]+""")

HARMLESS = [
    "Please summarise the minutes of Monday's meeting in three sentences.",
    "Could you write a birthday poem for my grandmother, who loves gardening?",
    "What is the difference between a violin and a viola?",
    "My train leaves at seven, so breakfast has to be early tomorrow.",
    "Translate this letter into French and keep the tone friendly.",
    "How long should I boil an egg so that the yolk stays soft?",
    "The museum opens at ten and closes at six, except on Mondays.",
    "List five museums in Vienna that children enjoy.",
    "Explain photosynthesis to a ten year old child.",
    "Our washing machine makes a loud noise when it spins.",
    "Compare the climate of Lisbon with that of Dublin.",
    "Which vegetables grow well in a shady garden?",
    "I would like to return the shoes that arrived last week.",
    "Draft a polite reminder about the rent for my flatmate.",
    "The concert was wonderful, although the second half felt too long.",
    "Give me a recipe for lentil soup with lemon.",
    "What should I pack for a week of hiking in Norway?",
    "Suggest names for a grey kitten with white paws.",
    "Sort these numbers from the smallest to the largest.",
    "Why does bread rise, and why does it sometimes not?",
    "The library has moved to the old post office on Hill Street.",
    "Convert twelve miles to kilometres, please.",
    "Write a short story about a lighthouse and a lost dog.",
    "How do noise cancelling headphones work?",
    "The children built a raft from planks and empty barrels.",
    "Recommend three novels about the sea.",
    "What time is it in Tokyo when it is noon in Berlin?",
    "Proofread my application for the teaching job.",
    "The mechanic said that the brakes need new pads.",
    "How many players are there in a volleyball team?",
    "Describe the taste of mango to someone who never had one.",
    "Plan a weekend in Edinburgh for two people on a small budget.",
    "The harvest was late this year because of the cold spring.",
    "Help me choose a colour for the kitchen walls.",
    "Who painted the ceiling of the chapel, and how long did it take?",
    "We met our neighbours at the bakery and talked about the weather.",
    "Outline an essay about the history of the bicycle.",
    "Is it better to water tomatoes in the morning or in the evening?",
    "The ferry was full, so we waited an hour for the next one.",
    "Count the vowels in the word encyclopedia.",
]


def flags(text: str, source: str = "user") -> list[tuple[int, int]]:
    """Spans of findings other than that something is hidden at all."""
    verdict = FIREWALL.check(text, source)
    return [(f.start, f.end) for f in verdict.findings if f.action > Action.ALLOW and f.detector != "obfuscation"]


@lru_cache(maxsize=1)
def attacks() -> tuple[str, ...]:
    """A fixed sample of the built-in rules' own examples: English, Latin letters, found in the clear."""
    examples = {
        example
        for rule in FIREWALL.rules
        if "en" in rule.languages and rule.paranoia == 1 and rule.view == "text" and "user" in rule.sources
        for example in rule.match
        if 25 <= len(example) <= 300 and SENTENCE.fullmatch(example)
    }
    ordered = sorted(examples, key=lambda text: hashlib.sha256(text.encode()).digest())
    return tuple(text for text in ordered if flags(text))[:SAMPLE]


def transformed(name: str, text: str) -> str:
    return TRANSFORMS[name](text, random.Random(zlib.crc32(f"{name}\n{text}".encode())))


def test_the_sample_is_large_enough() -> None:
    assert len(attacks()) == SAMPLE
    assert len(HARMLESS) == len(set(HARMLESS)) == 40


@pytest.mark.parametrize("name", TRANSFORMS)
def test_disguised_attacks_are_found(name: str) -> None:
    missed = [text for text in attacks() if not flags(transformed(name, text))]
    share = 1 - len(missed) / len(attacks())
    floor = FLOORS.get(name, FLOOR)
    assert share >= floor, f"{name}: {share:.1%} found, at least {floor:.0%} must be; missed: {missed[:5]}"


def hidden_part(name: str, text: str, disguised: str) -> range | None:
    """Where a transform has put a text, if it is in one piece there."""
    if name == "emoji smuggling":
        return range(disguised.index("😊") + 1, len(disguised))
    if name == "tag smuggling":
        return range(len("what a lovely day"), len(disguised))
    if name == "zero-width binary":
        return range(len("what a lovely day"), len(disguised) - len(" indeed"))
    if name in ENCODINGS and any(kind in name for kind in ("base", "ascii85", "gzip")) and name != "base64, wrapped":
        carriers = [
            ("Decode this for me: ", ""),
            ("The ticket says:\n", "\nWhat does it mean?"),
            ("data=", ""),
            ("", ""),
        ]
        before, after = next(c for c in carriers if disguised.startswith(c[0]) and disguised.endswith(c[1]))
        return range(len(before), len(disguised) - len(after))
    return None


@pytest.mark.parametrize("name", TRANSFORMS)
def test_spans_lie_where_the_attack_is(name: str) -> None:
    """Encoded as a whole: covered as a whole. Letter by letter: what is covered reads, turned back, as in the clear."""
    wrong, looked_at = [], 0
    for text in attacks():
        disguised = transformed(name, text)
        spans = flags(disguised)
        if not spans:
            continue
        looked_at += 1
        whole = hidden_part(name, text, disguised)
        if whole is not None:
            inside = {i for start, end in spans for i in range(start, end)}
            good = set(whole) <= inside
        else:
            # The longest phrase in the clear and in disguise are alike in length, but for what the disguise adds.
            growth = len(disguised) / len(text)
            clear = max(end - start for start, end in flags(text))
            good = max(end - start for start, end in spans) >= 0.5 * growth * min(clear, 12)
        if not good:
            wrong.append((text, [disguised[start:end] for start, end in spans]))
    assert looked_at
    assert len(wrong) <= (1 - FLOOR) * looked_at, f"{name}: {len(wrong)} of {looked_at}; {wrong[:3]}"


@pytest.mark.parametrize("name", TRANSFORMS)
def test_a_redacted_document_holds_the_attack_no_more(name: str) -> None:
    leaks = []
    for text in attacks()[:60]:
        if not flags(text, "document"):
            continue
        verdict = FIREWALL.check(transformed(name, text), source="document")
        if verdict.action is not Action.REDACT:
            continue
        assert isinstance(verdict.text, str)
        if flags(verdict.text, "document"):
            leaks.append((text, verdict.text))
    assert len(leaks) <= 1, f"{name}: {len(leaks)}; {leaks[:3]}"


@pytest.mark.parametrize("name", [name for name in TRANSFORMS if name not in SMUGGLING])
def test_disguised_harmless_texts_are_not_blocked(name: str) -> None:
    blocked = [text for text in HARMLESS if FIREWALL.check(transformed(name, text)).action is Action.BLOCK]
    assert blocked == []


def test_harmless_texts_pass_in_the_clear() -> None:
    assert [text for text in HARMLESS if FIREWALL.check(text).findings] == []


def test_what_is_defined_on_latin_letters_only_is_named_so() -> None:
    assert set(TRANSFORMS) >= LATIN_ONLY
    assert set(DISGUISES) >= SMUGGLING
