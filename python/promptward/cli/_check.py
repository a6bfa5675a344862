"""`promptward check`: one text, files, standard input, or a list of messages."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from promptward._firewall import Firewall
from promptward.cli._json import JsonError, parse_json
from promptward.cli._output import (
    SOURCES,
    Failure,
    Lines,
    action_label,
    decode,
    encoding_option,
    json_option,
    plural,
    policy_option,
    print_json,
    visible,
)
from promptward.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from promptward import Coverage, Finding, Rule, Verdict

STDIN = "-"
EXCERPT = 300
"""Code points of a matched text that --show-text shows."""

_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]")


@dataclass(frozen=True, slots=True)
class _Input:
    name: str
    content: str | list[dict[str, object]]


@click.command("check")
@click.argument("text", required=False)
@click.option("--file", "-f", "files", multiple=True, metavar="PATH|-", help="Check a file; can be given again.")
@click.option("--source", "-s", type=click.Choice(SOURCES), help="Who wrote the text.  [default: user]")
@click.option("--messages", is_flag=True, help="The input is a JSON list of messages, as chat APIs take it.")
@policy_option
@encoding_option
@click.option("--show-text", is_flag=True, help="Show the text that each rule matched.")
@json_option
@click.pass_context
def command(
    ctx: click.Context,
    *,
    text: str | None,
    files: tuple[str, ...],
    source: str | None,
    messages: bool,
    policy: str,
    encoding: str,
    show_text: bool,
    as_json: bool,
) -> None:
    """Check a text, files or messages.

    Reads standard input if neither TEXT nor --file is given. Exits with 0 if everything may be passed on, with 1 if
    something may not, with 2 on an error. --json prints a verdict a line, in the order of the inputs.
    """
    if text is not None and files:
        raise click.UsageError("give either TEXT or --file, not both")
    if messages and source is not None:
        raise click.UsageError("--source holds for a text; messages say by their roles who wrote them")
    firewall = Firewall(policy)
    allowed = True
    for index, item in enumerate(_inputs(text, files, encoding, messages=messages)):
        try:
            verdict = firewall.check(item.content, source or "user")
        except InputError as error:
            hint = 'a message looks like this: {"role": "user", "content": "…"}'
            raise Failure(f"{item.name}: {error}", hint) from None
        allowed = allowed and verdict.allowed
        if as_json:
            print_json(verdict.model_dump(mode="json"), indent=None if len(files) > 1 else 2)
            continue
        if index:
            click.echo()
        _print_verdict(item, verdict, {rule.id: rule for rule in firewall.rules}, show_text=show_text)
    ctx.exit(0 if allowed else 1)


def _inputs(text: str | None, files: tuple[str, ...], encoding: str, *, messages: bool) -> Iterator[_Input]:
    if text is not None and text != STDIN:
        yield _input("text", text, messages=messages)
        return
    for name in files or (STDIN,):
        label = "standard input" if name == STDIN else name
        yield _input(label, decode(_read(name), label, encoding), messages=messages)


def _read(name: str) -> bytes:
    if name == STDIN:
        if sys.stdin.isatty():
            click.echo("reading the text from the terminal; end it with Ctrl-D on a line of its own", err=True)
        return sys.stdin.buffer.read()
    path = Path(name)
    if path.is_dir():
        raise Failure(f"{name}: is a folder", f"check all files in it with: promptward scan {name}")
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise Failure(f"{name}: no such file", "to check a text, give it without --file") from None
    except OSError as error:
        raise Failure(f"{name}: can't be read: {error.strerror}") from None


def _input(name: str, text: str, *, messages: bool) -> _Input:
    return _Input(name, _messages(name, text) if messages else text)


def _messages(name: str, text: str) -> list[dict[str, object]]:
    try:
        data = parse_json(text)
    except JsonError as error:
        hint = "--messages reads a JSON list of messages; leave it out to check a plain text"
        raise Failure(f"{name}: {error}", hint) from None
    if isinstance(data, dict) and "messages" in data:  # the body of a request
        data = data["messages"]
    if not isinstance(data, list):
        raise Failure(
            f"{name}: expected a JSON list of messages, got {type(data).__name__}",
            "leave out --messages to check a plain text",
        )
    return cast("list[dict[str, object]]", data)


def _print_verdict(item: _Input, verdict: Verdict, rules: dict[str, Rule], *, show_text: bool) -> None:
    found = plural(len(verdict.findings), "finding") if verdict.findings else "nothing found"
    read = "" if verdict.coverage.complete else ", not fully read"
    click.echo(f"{action_label(verdict.action)}  {visible(item.name)}: {found}{read}")
    texts: dict[str, tuple[str, Lines] | None] = {}
    for finding in verdict.findings:
        if finding.part not in texts:
            part = part_text(item.content, finding.part)
            texts[finding.part] = None if part is None else (part, Lines(part))
        _print_finding(finding, rules[finding.rule], texts[finding.part], show_text=show_text)
    if not verdict.coverage.complete:
        click.echo()
        for line in coverage_lines(verdict.coverage):
            click.echo(f"  {click.style(line, fg='yellow')}")


def _print_finding(finding: Finding, rule: Rule, text: tuple[str, Lines] | None, *, show_text: bool) -> None:
    click.echo()
    click.echo(f"  {click.style(rule.title, bold=True)}")
    rows = [
        ("rule", f"{finding.rule}, {finding.severity}, {finding.detector}/{finding.category}"),
        ("action", str(finding.action)),
        ("where", _where(finding, text)),
        ("read as", "written" if finding.view == "text" else visible(finding.view)),
    ]
    if show_text and text is not None:
        rows.append(("text", excerpt(text[0][finding.start : finding.end])))
    if finding.refs:
        rows.append(("refs", ", ".join(finding.refs)))
    for name, value in rows:
        click.echo(f"    {click.style(name.ljust(8), dim=True)} {value}")


def _where(finding: Finding, text: tuple[str, Lines] | None) -> str:
    part = "" if finding.part == "text" else f"{visible(finding.part)}, "
    offsets = f"characters {finding.start} to {finding.end}"
    if text is None:
        return f"{part}{offsets}"
    (line, column), (last, end) = text[1].place(finding.start), text[1].place(finding.end)
    return f"{part}{line}:{column} to {last}:{end}, {offsets}"


def excerpt(text: str) -> str:
    """A matched text for a terminal: on one line, without anything that could steer it."""
    cut = text[:EXCERPT]
    return visible(cut.replace("\n", "⏎")) + ("…" if len(text) > EXCERPT else "")


def coverage_lines(coverage: Coverage) -> Iterator[str]:
    """Say what was left unread, and why."""
    if coverage.chars_seen < coverage.chars_total:
        yield f"not read to the end: {coverage.chars_seen:,} of {coverage.chars_total:,} characters were read"
    if coverage.limits_hit:
        yield f"limits that were hit: {', '.join(coverage.limits_hit)}"
    for name, state in coverage.detectors.items():
        if state in ("error", "timeout"):
            yield f"detector {name}: {state}"


def part_text(content: str | list[dict[str, object]], part: str) -> str | None:
    """The text at a place such as "messages[2].content[0].text"; None if a key in it can't be told from the path."""
    if isinstance(content, str):
        return content
    value: object = content
    for match in _STEP.finditer(part):
        key, index = match.groups()
        if key is None and isinstance(value, list) and int(index) < len(value):
            value = value[int(index)]
        elif key is not None and isinstance(value, dict) and key in value:
            value = value[key]
        else:
            return None
    return value if isinstance(value, str) else None
