"""Every built-in rule keeps the promises that its own examples make."""

from __future__ import annotations

import base64
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from promptward import Firewall
from promptward._engine import load_engine
from promptward._rules import builtin_packs, parse_rules
from promptward._types import CATEGORIES

if TYPE_CHECKING:
    from promptward import Rule

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.10
    import tomli as tomllib

ENGINE = load_engine().Engine(list(builtin_packs()), "", [], {})
RULES = parse_rules(ENGINE.rules())
BY_PATTERN = [pytest.param(rule, id=rule.id) for rule in RULES if rule.signal is None]
INDEX = {rule.id: index for index, rule in enumerate(RULES)}

# ISO 639-1, of which the rules may use any.
LANGUAGES = frozenset(
    [
        "aa",
        "ab",
        "ae",
        "af",
        "ak",
        "am",
        "an",
        "ar",
        "as",
        "av",
        "ay",
        "az",
        "ba",
        "be",
        "bg",
        "bi",
        "bm",
        "bn",
        "bo",
        "br",
        "bs",
        "ca",
        "ce",
        "ch",
        "co",
        "cr",
        "cs",
        "cu",
        "cv",
        "cy",
        "da",
        "de",
        "dv",
        "dz",
        "ee",
        "el",
        "en",
        "eo",
        "es",
        "et",
        "eu",
        "fa",
        "ff",
        "fi",
        "fj",
        "fo",
        "fr",
        "fy",
        "ga",
        "gd",
        "gl",
        "gn",
        "gu",
        "gv",
        "ha",
        "he",
        "hi",
        "ho",
        "hr",
        "ht",
        "hu",
        "hy",
        "hz",
        "ia",
        "id",
        "ie",
        "ig",
        "ii",
        "ik",
        "io",
        "is",
        "it",
        "iu",
        "ja",
        "jv",
        "ka",
        "kg",
        "ki",
        "kj",
        "kk",
        "kl",
        "km",
        "kn",
        "ko",
        "kr",
        "ks",
        "ku",
        "kv",
        "kw",
        "ky",
        "la",
        "lb",
        "lg",
        "li",
        "ln",
        "lo",
        "lt",
        "lu",
        "lv",
        "mg",
        "mh",
        "mi",
        "mk",
        "ml",
        "mn",
        "mr",
        "ms",
        "mt",
        "my",
        "na",
        "nb",
        "nd",
        "ne",
        "ng",
        "nl",
        "nn",
        "no",
        "nr",
        "nv",
        "ny",
        "oc",
        "oj",
        "om",
        "or",
        "os",
        "pa",
        "pi",
        "pl",
        "ps",
        "pt",
        "qu",
        "rm",
        "rn",
        "ro",
        "ru",
        "rw",
        "sa",
        "sc",
        "sd",
        "se",
        "sg",
        "si",
        "sk",
        "sl",
        "sm",
        "sn",
        "so",
        "sq",
        "sr",
        "ss",
        "st",
        "su",
        "sv",
        "sw",
        "ta",
        "te",
        "tg",
        "th",
        "ti",
        "tk",
        "tl",
        "tn",
        "to",
        "tr",
        "ts",
        "tt",
        "tw",
        "ty",
        "ug",
        "uk",
        "ur",
        "uz",
        "ve",
        "vi",
        "vo",
        "wa",
        "wo",
        "xh",
        "yi",
        "yo",
        "za",
        "zh",
        "zu",
    ]
)
# OWASP Top 10 for LLM applications 2025, MITRE ATLAS techniques, CWE.
REF = re.compile(r"LLM(?:0[1-9]|10):2025|AML\.T\d{4}(?:\.\d{3})?|CWE-\d{1,4}")


def found(rule: Rule, text: str, paranoia: int) -> list[tuple[int, int, str]]:
    """What one rule finds in a text, at a level of paranoia, for the first source that it is for."""
    findings, seen, total, _ = ENGINE.inspect(text, rule.sources[0].value, paranoia)
    assert seen == total == len(text)
    return [(start, end, view) for index, start, end, view in findings if index == INDEX[rule.id]]


def as_read(rule: Rule, text: str) -> str:
    """A rule for hidden text reads its examples out of an encoding."""
    return base64.b64encode(text.encode()).decode() if rule.view == "hidden" else text


@pytest.mark.parametrize("rule", BY_PATTERN)
def test_match_examples_match(rule: Rule) -> None:
    missed = [example for example in rule.match if not found(rule, as_read(rule, example), rule.paranoia)]
    assert not missed


@pytest.mark.parametrize("rule", BY_PATTERN)
def test_no_match_examples_do_not(rule: Rule) -> None:
    matched = {
        example: [as_read(rule, example)[start:end] for start, end, _ in hits]
        for example in rule.no_match
        if (hits := found(rule, as_read(rule, example), rule.paranoia))
    }
    assert not matched


@pytest.mark.parametrize("rule", BY_PATTERN)
def test_match_examples_match_for_every_source_of_the_rule(rule: Rule) -> None:
    text = as_read(rule, rule.match[0])
    for source in rule.sources:
        findings, *_ = ENGINE.inspect(text, source.value, rule.paranoia)
        assert INDEX[rule.id] in {index for index, *_ in findings}


@pytest.mark.parametrize("rule", [p for p in BY_PATTERN if p.values[0].paranoia > 1])
def test_a_rule_rests_below_its_paranoia(rule: Rule) -> None:
    assert not any(found(rule, as_read(rule, example), rule.paranoia - 1) for example in rule.match)


@pytest.mark.parametrize("rule", [p for p in BY_PATTERN if p.values[0].view != "cased"])
def test_examples_match_in_another_case_and_with_other_white_space(rule: Rule) -> None:
    if rule.view == "hidden":
        pytest.skip("reads what an encoding holds")
    for change in (str.upper, lambda text: text.replace(" ", "  "), lambda text: f"\r\n{text}\r\n"):
        missed = [
            change(example)
            for example in rule.match
            # Case that does not come back (ß, dotless i) is the matter of the folding table.
            if change(example).lower() in (example.lower(), change(example.lower()))
            and not found(rule, change(example), rule.paranoia)
        ]
        assert not missed


@pytest.mark.parametrize("rule", BY_PATTERN)
def test_there_are_enough_examples(rule: Rule) -> None:
    assert len(set(rule.match)) >= 3
    assert len(set(rule.no_match)) >= 2
    assert not set(rule.match) & set(rule.no_match)
    assert all(example.strip() for example in (*rule.match, *rule.no_match))


@pytest.mark.parametrize("rule", [pytest.param(rule, id=rule.id) for rule in RULES])
def test_what_a_rule_says_of_itself(rule: Rule) -> None:
    assert re.fullmatch(r"[a-z0-9]+(?:-[a-z0-9]+)*", rule.id)
    assert rule.title[0].isupper() or not rule.title[0].isalpha()
    assert not rule.title.endswith(".")
    assert len(rule.title) <= 100
    assert rule.category in CATEGORIES[rule.detector]
    assert set(rule.languages) <= LANGUAGES
    assert len(set(rule.languages)) == len(rule.languages)
    assert len(set(rule.sources)) == len(rule.sources)
    assert rule.refs
    for ref in rule.refs:
        assert REF.fullmatch(ref), ref
    assert len(set(rule.refs)) == len(rule.refs)
    assert 0 < rule.score <= 1
    assert 1 <= rule.paranoia <= 4
    if rule.pack.startswith("lang_"):
        assert rule.pack.removeprefix("lang_").removesuffix(".toml") in rule.languages


def test_every_pattern_compiles() -> None:
    assert ENGINE.compile_all() == []


def test_ids_are_unique_and_every_rule_of_a_pack_is_loaded() -> None:
    packs = {name: tomllib.loads(text) for name, text in builtin_packs()}
    written: Counter[str] = Counter(rule["id"] for pack in packs.values() for rule in pack.get("rule", []))
    assert {rule: count for rule, count in written.items() if count > 1} == {}
    assert set(written) == set(INDEX)
    for name, pack in packs.items():
        assert pack["title"], name
        assert pack.get("rule"), name


def test_no_pattern_stands_twice() -> None:
    patterns = Counter((rule.pack, rule.view, pattern) for rule in RULES for pattern in rule.patterns)
    assert [pattern for pattern, count in patterns.items() if count > 1] == []


def test_no_fragment_is_defined_for_nothing() -> None:
    for name, text in builtin_packs():
        unused = [fragment for fragment in tomllib.loads(text).get("define", {}) if f"{{{{{fragment}}}}}" not in text]
        assert unused == [], name


def test_rules_are_the_same_through_a_firewall() -> None:
    rules: Any = Firewall().rules
    assert rules == RULES
