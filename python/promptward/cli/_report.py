"""What `scan` writes: lines for people, or JSON Lines; `_sarif` has the third form."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TextIO

import click

from promptward._types import Action
from promptward.cli._output import Lines, action_label, plural, to_json, visible

if TYPE_CHECKING:
    from collections.abc import Mapping

    from promptward import Firewall, Rule, Verdict
    from promptward.cli._texts import Place, Text, Unread

KINDS = {
    "binary": "binary",
    "link": "links or special files",
    "bytes": "with bytes that aren't text",
    "too_large": "over the size limit",
    "row": "broken rows",
    "file": "unreadable files",
}
"""What wasn't read, and how the summary calls it."""


@dataclass
class Stats:
    """What a scan has counted."""

    files: int = 0
    texts: int = 0
    empty: int = 0
    incomplete: int = 0
    actions: Counter[Action] = field(default_factory=Counter)
    rules: Counter[str] = field(default_factory=Counter)
    unread: Counter[str] = field(default_factory=Counter)

    @property
    def worst(self) -> Action:
        """The worst action of all."""
        return max(self.actions, default=Action.ALLOW)

    def as_dict(self) -> dict[str, object]:
        """The same, for JSON."""
        return {
            "files": self.files,
            "texts": self.texts,
            "empty": self.empty,
            "not_fully_read": self.incomplete,
            "actions": {action.value: self.actions[action] for action in Action},
            "rules": dict(self.rules.most_common()),
            "unread": {kind: self.unread[kind] for kind in KINDS},
        }


class Report(Protocol):
    """Takes results as they come and keeps none of them."""

    def result(self, text: Text, verdict: Verdict) -> None:
        """A text was checked, and something was found or left unread."""

    def unread(self, item: Unread, action: Action | None) -> None:
        """Something wasn't read; `action` is what the policy says about it, if it says anything."""

    def end(self, stats: Stats, *, ok: bool) -> None:
        """All is done; not `ok` if a file couldn't be read."""


def place_data(place: Place) -> dict[str, object]:
    """A place as JSON, without what it doesn't have."""
    data = {"file": place.file, "line": place.line, "row": place.row, "column": place.column}
    return {key: value for key, value in data.items() if value is not None}


class TableReport:
    """A line for each finding, aligned, beginning with a place that editors and terminals can open."""

    def __init__(self, out: TextIO, firewall: Firewall) -> None:
        self._out = out
        self._rules: Mapping[str, Rule] = {rule.id: rule for rule in firewall.rules}

    def result(self, text: Text, verdict: Verdict) -> None:
        """Write the findings of a text."""
        lines = Lines(text.content) if isinstance(text.content, str) and text.place.line is None else None
        for finding in verdict.findings:
            place = visible(str(text.place))
            if lines is not None:
                line, column = lines.place(finding.start)
                place += f":{line}:{column}" if text.place.row is None else f", characters {finding.start}"
            if finding.part != "text":
                place += f", {visible(finding.part)}"
            reading = "" if finding.view == "text" else f" [{visible(finding.view)}]"
            title = visible(self._rules[finding.rule].title)
            self._line(finding.action, place, f"{finding.rule}  {title}{reading}")
        if not verdict.coverage.complete:
            reasons = ", ".join(verdict.coverage.limits_hit) or "the engine failed"
            self._line(verdict.action, visible(str(text.place)), f"not fully read: {reasons}")

    def unread(self, item: Unread, action: Action | None) -> None:
        """Write what the policy says about something that wasn't read; warnings of the rest are on stderr."""
        if action is not None:
            self._line(action, visible(str(item.place)), f"not read: {item.reason}")

    def end(self, stats: Stats, *, ok: bool) -> None:  # noqa: ARG002 - said on stderr
        """Write the summary."""
        if sum(stats.actions.values()) > stats.actions[Action.ALLOW] or stats.rules or stats.incomplete:
            click.echo(file=self._out)
        for line in summary_lines(stats, self._rules):
            click.echo(line, file=self._out)

    def _line(self, action: Action, place: str, message: str) -> None:
        click.echo(f"{action_label(action, 6)}  {place}  {message}", file=self._out)


class JsonLinesReport:
    """A JSON object a line: results, what wasn't read, and the summary at the end."""

    def __init__(self, out: TextIO, firewall: Firewall) -> None:
        self._out = out
        self._firewall = firewall

    def result(self, text: Text, verdict: Verdict) -> None:
        """Write a verdict without its text."""
        data = verdict.model_dump(mode="json", include={"id", "action", "allowed", "scores", "findings", "coverage"})
        self._write({"type": "result", "location": place_data(text.place), **data})

    def unread(self, item: Unread, action: Action | None) -> None:
        """Write what wasn't read."""
        data: dict[str, object] = {"type": "unread", "location": place_data(item.place)}
        self._write({**data, "kind": item.kind, "reason": item.reason, "action": action})

    def end(self, stats: Stats, *, ok: bool) -> None:
        """Write the summary."""
        info = self._firewall.info()
        digests = {key: info[key] for key in ("version", "engine", "policy", "policy_digest", "rules_digest")}
        self._write({"type": "summary", "ok": ok, **stats.as_dict(), **digests})

    def _write(self, data: dict[str, object]) -> None:
        self._out.write(to_json(data, ascii_only=True) + "\n")


def summary_lines(stats: Stats, rules: Mapping[str, Rule]) -> list[str]:
    """The summary for people."""
    counts = ", ".join(f"{stats.actions[action]:,} {action}" for action in Action if stats.actions[action])
    lines = [f"{plural(stats.texts, 'text')} in {plural(stats.files, 'file')}: {counts or 'nothing to check'}"]
    if stats.incomplete:
        lines.append(f"  not fully read: {plural(stats.incomplete, 'text')}")
    unread = [f"{stats.unread[kind]:,} {name}" for kind, name in KINDS.items() if stats.unread[kind]]
    if unread:
        lines.append(f"  not read: {', '.join(unread)}")
    if stats.empty:
        lines.append(f"  without a text: {plural(stats.empty, 'value')}")
    width = max((len(rule) for rule in stats.rules), default=0)
    for rule, count in stats.rules.most_common():
        lines.append(f"  {count:6,}  {rule.ljust(width)}  {visible(rules[rule].title)}")
    return lines
