"""The built-in rule packs, and what a caller may know of the rules that an engine has compiled."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import TypedDict, cast

from promptward._types import Severity, Source


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule as the engine has loaded it; docs/rules.md says what each field means.

    `paranoia` is 1 to 4. `score` is 0 to 1. `pack` is the file name of the rule's pack, "policy" for a rule of the
    policy's own. `patterns` are empty for a rule that is bound to a `signal`.
    """

    id: str
    title: str
    detector: str
    category: str
    severity: Severity
    score: float
    paranoia: int
    languages: tuple[str, ...]
    sources: tuple[Source, ...]
    refs: tuple[str, ...]
    pack: str
    patterns: tuple[str, ...]
    signal: str | None
    view: str
    near: Nearby | None
    not_near: Nearby | None
    all_of: tuple[str, ...]
    none_of: tuple[str, ...]
    match: tuple[str, ...]
    no_match: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Nearby:
    """Patterns that must, or must not, match within so many bytes of a match."""

    patterns: tuple[str, ...]
    within: int


class _NearbyData(TypedDict):
    patterns: list[str]
    within: int


class _RuleData(TypedDict, total=False):
    id: str
    title: str
    detector: str
    category: str
    severity: str
    score: float
    paranoia: int
    languages: list[str]
    sources: list[str]
    refs: list[str]
    pack: str
    patterns: list[str]
    signal: str | None
    view: str
    near: _NearbyData | None
    not_near: _NearbyData | None
    all_of: list[str]
    none_of: list[str]
    match: list[str]
    no_match: list[str]


def parse_rules(text: str) -> tuple[Rule, ...]:
    """Read what `Engine.rules()` returns: a JSON list in index order."""
    return tuple(_rule(data) for data in cast("list[_RuleData]", json.loads(text)))


def _rule(data: _RuleData) -> Rule:
    return Rule(
        id=data["id"],
        title=data["title"],
        detector=data["detector"],
        category=data["category"],
        severity=Severity(data["severity"]),
        score=data["score"],
        paranoia=data["paranoia"],
        languages=tuple(data["languages"]),
        sources=tuple(Source(source) for source in data["sources"]),
        refs=tuple(data["refs"]),
        pack=data["pack"],
        patterns=tuple(data.get("patterns") or ()),
        signal=data.get("signal"),
        view=data.get("view") or "text",
        near=_nearby(data.get("near")),
        not_near=_nearby(data.get("not_near")),
        all_of=tuple(data.get("all_of") or ()),
        none_of=tuple(data.get("none_of") or ()),
        match=tuple(data.get("match") or ()),
        no_match=tuple(data.get("no_match") or ()),
    )


def _nearby(data: _NearbyData | None) -> Nearby | None:
    return Nearby(tuple(data["patterns"]), data["within"]) if data else None


@lru_cache(maxsize=1)
def builtin_packs() -> tuple[tuple[str, str], ...]:
    """The packs that come with the package: (file name, TOML text), sorted by name."""
    folder = files("promptward").joinpath("rules")
    packs = [(entry.name, entry.read_text("utf-8")) for entry in folder.iterdir() if entry.name.endswith(".toml")]
    return tuple(sorted(packs))
