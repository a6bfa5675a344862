"""From what the engine found to what is done about it: actions, coverage and the text that may be passed on."""

from __future__ import annotations

import hashlib
import unicodedata
from datetime import datetime, timezone
from typing import TYPE_CHECKING, NamedTuple

from promptward._types import Action
from promptward._verdict import Finding

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from promptward._plan import SourcePlan
    from promptward._policy import AllowEntry
    from promptward._rules import Rule

REDACTED = "[REDACTED:{category}]"
"""What stands for a span that was cut out."""
WITHHELD = "[WITHHELD:{action}]"
"""What stands for a text that may not be passed on."""

INCOMPLETE = frozenset(
    {"max_chars", "max_findings", "max_views", "max_decode_depth", "max_decoded_bytes", "pattern_memory"}
)
"""Limits that leave something unread, or unreported."""


class Segment(NamedTuple):
    """A text and the name of its place, "text" or such as "messages[2].content"."""

    part: str
    text: str


class Hit(NamedTuple):
    """What the engine found, with offsets in one segment."""

    rule: int
    segment: int
    start: int
    end: int
    view: str


class Inspection(NamedTuple):
    """What the engine said about a text; `failed` if it could not say anything."""

    hits: Sequence[Hit]
    chars_seen: int
    chars_total: int
    limits_hit: Sequence[str]
    failed: bool = False


class Outcome(NamedTuple):
    """What is done about a text; `texts` are its segments as they may be passed on."""

    action: Action
    findings: tuple[Finding, ...]
    texts: Sequence[str]
    complete: bool


def decide(
    segments: Sequence[Segment],
    inspection: Inspection,
    source: SourcePlan,
    rules: Sequence[Rule],
    *,
    key: bytes,
    enforce: bool,
) -> Outcome:
    """Apply a policy to what was found in one text.

    Args:
        segments: the text, in the parts that it was given in.
        inspection: what the engine said about it.
        source: the policy for texts of this source.
        rules: the engine's rules, in index order.
        key: of the hash that stands for matched text in findings.
        enforce: False if findings are reported only.
    """
    complete = (
        not inspection.failed
        and inspection.chars_seen >= inspection.chars_total
        and INCOMPLETE.isdisjoint(inspection.limits_hit)
    )
    action = Action.ALLOW if complete else source.on_error
    findings: tuple[Finding, ...] = ()
    if inspection.hits:
        allow = _in_effect(source.allow)
        findings = tuple(
            _finding(hit, rules[hit.rule], segments[hit.segment], action=source.actions[hit.rule], allow=allow, key=key)
            for hit in inspection.hits
        )
        action = max(action, *(finding.action for finding in findings))
    if "max_findings" in inspection.limits_hit:
        action = max(action, _unreported(source))
    texts = [segment.text for segment in segments]
    if not enforce:
        return Outcome(min(action, Action.FLAG), findings, texts, complete)
    if not action.allowed:
        texts = [withheld(action)] * len(segments)
    elif action is Action.REDACT:
        texts = [redact(text, [f for f in findings if f.part == part]) for part, text in segments]
    return Outcome(action, findings, texts, complete)


def _unreported(source: SourcePlan) -> Action:
    """What to do about findings beyond those that were reported: any of them may be the worst, and none has a span.

    Otherwise a flood of harmless findings would carry an attack past the redaction.
    """
    worst = max(source.actions, default=Action.ALLOW)
    return Action.BLOCK if worst is Action.REDACT else worst


def withheld(action: Action) -> str:
    """What stands for a text that may not be passed on."""
    return WITHHELD.format(action=action.value)


def redact(text: str, findings: Iterable[Finding]) -> str:
    """Replace the spans of findings whose action is redact, and touch nothing else.

    Overlapping spans become one, which is named for the worst of its findings.
    """
    pieces: list[str] = []
    done = 0
    for start, end, category in _merged(findings):
        pieces += (text[done:start], REDACTED.format(category=category))
        done = end
    return "".join(pieces) + text[done:]


def _merged(findings: Iterable[Finding]) -> list[tuple[int, int, str]]:
    cut = sorted((f for f in findings if f.action is Action.REDACT), key=lambda f: (f.start, f.end))
    groups: list[tuple[int, int, list[Finding]]] = []
    for finding in cut:
        if groups and finding.start < groups[-1][1]:
            start, end, members = groups[-1]
            groups[-1] = (start, max(end, finding.end), [*members, finding])
        else:
            groups.append((finding.start, finding.end, [finding]))
    return [(start, end, _worst(members).category) for start, end, members in groups]


def _worst(findings: Sequence[Finding]) -> Finding:
    return min(findings, key=lambda f: (-f.severity.rank, -f.score, f.start, f.category))


def _finding(
    hit: Hit, rule: Rule, segment: Segment, *, action: Action, allow: Sequence[AllowEntry], key: bytes
) -> Finding:
    span = segment.text[hit.start : hit.end]
    if allow and any(_lets_through(entry, rule, span) for entry in allow):
        action = Action.ALLOW
    elif action is Action.REDACT and not span:
        action = Action.BLOCK  # there is nothing to cut
    return Finding.model_construct(
        detector=rule.detector,
        rule=rule.id,
        category=rule.category,
        severity=rule.severity,
        score=rule.score,
        start=hit.start,
        end=hit.end,
        part=segment.part,
        view=hit.view,
        action=action,
        refs=rule.refs,
        evidence=hashlib.blake2b(_encode(span), digest_size=16, key=key).hexdigest(),
    )


def _in_effect(entries: Sequence[AllowEntry]) -> Sequence[AllowEntry]:
    if not entries:
        return entries
    now = datetime.now(timezone.utc)
    return [entry for entry in entries if entry.expires > now]


def _lets_through(entry: AllowEntry, rule: Rule, span: str) -> bool:
    return (
        (entry.rule is None or entry.rule == rule.id)
        and (entry.detector is None or entry.detector.value == rule.detector)
        and (entry.phrase is None or _fold(entry.phrase) == _fold(span))
        and (entry.text_sha256 is None or entry.text_sha256 == text_sha256(span))
    )


def text_sha256(span: str) -> str:
    """The hash by which an allow-list entry names a matched span: SHA-256, in hex, of its NFC in UTF-8."""
    return hashlib.sha256(_encode(unicodedata.normalize("NFC", span))).hexdigest()


def _fold(text: str) -> str:
    # Canonical caseless match (Unicode 3.13, D145).
    return unicodedata.normalize("NFD", unicodedata.normalize("NFD", text).casefold())


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
