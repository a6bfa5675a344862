"""SARIF 2.1.0 (OASIS), for code-scanning services and editors."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, TextIO
from urllib.parse import quote

from promptward._types import Action
from promptward.cli._explain import finds, help_text, reference, why
from promptward.cli._output import Lines, to_json, visible
from promptward.cli._report import place_data

if TYPE_CHECKING:
    from promptward import Finding, Firewall, Rule, Verdict
    from promptward.cli._report import Stats
    from promptward.cli._texts import Place, Text, Unread

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
HOME = "https://github.com/promptward/promptward"
MAX_NOTIFICATIONS = 1000
"""Notifications that are kept; they stand behind the results, and so have to wait in memory."""

_LEVELS = {
    Action.ALLOW: "note",
    Action.FLAG: "warning",
    Action.REDACT: "warning",
    Action.REVIEW: "error",
    Action.BLOCK: "error",
}
_SEVERITIES = {"low": "note", "medium": "warning", "high": "error", "critical": "error"}

Data = dict[str, object]


class SarifReport:
    """One run. Results are written as they come, and after them the rules that they name."""

    def __init__(self, out: TextIO, firewall: Firewall) -> None:
        self._out = out
        self._firewall = firewall
        self._rules: dict[str, Rule] = {rule.id: rule for rule in firewall.rules}
        self._used: dict[str, int] = {}
        self._notifications: list[Data] = []
        self._dropped = 0
        self._separator = ""
        head = f'{{"$schema":{to_json(SCHEMA)},"version":"2.1.0","runs":[{{"columnKind":"unicodeCodePoints","results":['
        out.write(head)

    def result(self, text: Text, verdict: Verdict) -> None:
        """Write a result for each finding."""
        lines = Lines(text.content) if isinstance(text.content, str) and text.place.column is None else None
        for finding in verdict.findings:
            self._out.write(self._separator + to_json(self._result(text.place, finding, lines), ascii_only=True))
            self._separator = ","
        if not verdict.coverage.complete:
            reasons = ", ".join(verdict.coverage.limits_hit) or "the engine failed"
            self._notify(text.place, f"Not fully read: {reasons}.", verdict.action)

    def unread(self, item: Unread, action: Action | None) -> None:
        """Keep a notification."""
        self._notify(item.place, f"Not read: {item.reason}.", action)

    def end(self, stats: Stats, *, ok: bool) -> None:
        """Write the rules and the notifications."""
        info = self._firewall.info()
        if self._dropped:
            self._notifications.append(
                {"level": "warning", "message": {"text": f"{self._dropped} more notifications were left out."}}
            )
        driver = {
            "name": "promptward",
            "version": info["version"],
            "semanticVersion": info["version"],
            "informationUri": HOME,
            "rules": [_rule(self._rules[rule]) for rule in self._used],
        }
        invocation = {"executionSuccessful": ok, "toolExecutionNotifications": self._notifications}
        properties = {**{key: info[key] for key in ("engine", "policy", "policy_digest", "rules_digest")}}
        rest = {
            "tool": {"driver": driver},
            "invocations": [invocation],
            "properties": {**properties, "summary": stats.as_dict()},
        }
        self._out.write("]," + to_json(rest, ascii_only=True)[1:] + "]}\n")

    def _result(self, place: Place, finding: Finding, lines: Lines | None) -> Data:
        index = self._used.setdefault(finding.rule, len(self._used))
        reading = "as written" if finding.view == "text" else f"decoded ({finding.view})"
        title = visible(self._rules[finding.rule].title)
        region: Data = {}
        if place.line is not None:
            region = {"startLine": place.line}
        elif lines is not None and place.row is None:
            (line, column), (last, end) = lines.place(finding.start), lines.place(finding.end)
            region = {"startLine": line, "startColumn": column, "endLine": last, "endColumn": end}
            region |= {"charOffset": finding.start, "charLength": finding.end - finding.start}
        return {
            "ruleId": finding.rule,
            "ruleIndex": index,
            "level": _LEVELS[finding.action],
            "message": {"text": f"{title} ({finding.detector}/{finding.category}), {reading}: {finding.action}."},
            "locations": [_location(place, region)],
            "properties": {
                "action": finding.action,
                "severity": finding.severity,
                "score": finding.score,
                "view": finding.view,
                "part": finding.part,
                "start": finding.start,
                "end": finding.end,
                "location": place_data(place),
            },
        }

    def _notify(self, place: Place, message: str, action: Action | None) -> None:
        if len(self._notifications) >= MAX_NOTIFICATIONS:
            self._dropped += 1
            return
        level = "warning" if action is None else _LEVELS[action]
        region: Data = {"startLine": place.line} if place.line is not None else {}
        self._notifications.append(
            {"level": level, "message": {"text": visible(message)}, "locations": [_location(place, region)]}
        )


def _location(place: Place, region: Data) -> Data:
    physical: Data = {"artifactLocation": {"uri": uri(place.file)}}
    if region:
        physical["region"] = region
    location: Data = {"physicalLocation": physical}
    names = [f"row {place.row}"] if place.row is not None else []
    names += [f"column {visible(place.column)}"] if place.column is not None else []
    if names:
        location["logicalLocations"] = [{"fullyQualifiedName": ", ".join(names)}]
    return location


def uri(file: str) -> str:
    """A file name as a URI reference: relative if the name is."""
    path = Path(file)
    quoted = quote(os.fsencode(path.as_posix()), safe="/")
    return f"file://{'' if quoted.startswith('/') else '/'}{quoted}" if path.is_absolute() else quoted


def _rule(rule: Rule) -> Data:
    data: Data = {
        "id": rule.id,
        "shortDescription": {"text": visible(rule.title)},
        "fullDescription": {"text": " ".join(filter(None, (why(rule), finds(rule))))},
        "help": {"text": visible(help_text(rule), keep="\n")},
        "defaultConfiguration": {"level": _SEVERITIES[rule.severity.value]},
        "properties": {
            "tags": ["security", rule.detector, rule.category, *rule.refs],
            "refs": list(rule.refs),
            "security-severity": f"{rule.score * 10:.1f}",
            "paranoia": rule.paranoia,
        },
    }
    addresses = [address for _, address in map(reference, rule.refs) if address]
    return {**data, "helpUri": addresses[0]} if addresses else data
