"""`promptward rules`: what is looked for."""

from __future__ import annotations

import base64
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from promptward._engine import load_engine
from promptward._firewall import Firewall
from promptward._policy_files import nearest
from promptward._rules import builtin_packs, parse_rules
from promptward._types import Detector
from promptward.cli._explain import conditions, finds, reference, why
from promptward.cli._output import Failure, decode, json_option, plural, policy_option, print_json, visible

if TYPE_CHECKING:
    from promptward import Rule
    from promptward._engine import CompiledEngine

WIDTH = 160
"""Columns of a table that goes to a file or a pipe."""


class _Miss(NamedTuple):
    rule: Rule
    kind: str
    number: int
    example: str


@click.group("rules")
def command() -> None:
    """List, show and test rules."""


@command.command("list")
@click.option("--detector", type=click.Choice([detector.value for detector in Detector]), help="Only of this detector.")
@click.option("--language", metavar="CODE", help="Only for this language, such as en; any for those bound to none.")
@click.option("--paranoia", type=click.IntRange(1, 4), help="Only those that run at this level.")
@policy_option
@json_option
def list_rules(
    *,
    detector: str | None,
    language: str | None,
    paranoia: int | None,
    policy: str,
    as_json: bool,
) -> None:
    """List the rules that a policy has switched on."""
    rules = [
        rule
        for rule in Firewall(policy).rules
        if (detector is None or rule.detector == detector)
        and (language is None or (language in rule.languages if language != "any" else not rule.languages))
        and (paranoia is None or rule.paranoia <= paranoia)
    ]
    rules.sort(key=lambda rule: (rule.detector, rule.category, rule.id))
    if as_json:
        print_json([asdict(rule) for rule in rules])
        return
    if rules:
        _print_table(rules)
    click.echo(plural(len(rules), "rule"), err=True)


def _print_table(rules: list[Rule]) -> None:
    from rich.console import Console  # noqa: PLC0415 - takes a while to import
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table(box=None, pad_edge=False)
    table.add_column("rule", no_wrap=True)
    for name in ("category", "severity", "paranoia", "languages"):
        table.add_column(name, justify="right" if name == "paranoia" else "left")
    table.add_column("title", overflow="fold")
    for rule in rules:
        cells = (rule.id, rule.category, str(rule.severity), str(rule.paranoia), " ".join(rule.languages) or "any")
        table.add_row(*(Text(visible(cell)) for cell in (*cells, rule.title)))
    Console(file=sys.stdout, width=None if sys.stdout.isatty() else WIDTH, highlight=False).print(table)


@command.command("show")
@click.argument("rule_id", metavar="ID")
@policy_option
@json_option
def show_rule(*, rule_id: str, policy: str, as_json: bool) -> None:
    """Show all that is known about a rule."""
    rules = {rule.id: rule for rule in Firewall(policy).rules}
    if rule_id not in rules:
        raise Failure(f"no rule {rule_id!r}{nearest(rule_id, rules)}", "promptward rules list shows all")
    rule = rules[rule_id]
    if as_json:
        print_json(asdict(rule))
        return
    click.echo(f"{click.style(rule.id, bold=True)}: {visible(rule.title)}")
    click.echo(
        f"{rule.detector}/{rule.category}, severity {rule.severity}, score {rule.score:g}, paranoia {rule.paranoia}, "
        f"from {visible(rule.pack)}"
    )
    _section("Why it matters", [why(rule)] if why(rule) else [])
    _section("What it finds", [finds(rule)])
    _section("Patterns", rule.patterns)
    _section("Counts only if", conditions(rule))
    _section("Near by", rule.near.patterns if rule.near else ())
    _section("All of", rule.all_of)
    _section("None of", rule.none_of)
    _section("Not near", rule.not_near.patterns if rule.not_near else ())
    _section("Runs on texts from", [", ".join(map(str, rule.sources))])
    _section("Languages", [", ".join(rule.languages) or "not bound to one"])
    _section("Found, for example", rule.match)
    _section("Not found, though close", rule.no_match)
    _section("References", ["  ".join(filter(None, (ref, *reference(ref)))) for ref in rule.refs])


def _section(title: str, lines: list[str] | tuple[str, ...]) -> None:
    if lines:
        click.echo()
        click.echo(click.style(title, bold=True))
        for line in lines:
            click.echo(f"  {visible(line)}")


@command.command("test")
@click.argument("packs", nargs=-1, metavar="[PACK]…", type=click.Path(exists=True, dir_okay=False))
@json_option
def test_rules(*, packs: tuple[str, ...], as_json: bool) -> None:
    """Check every example of the rules in packs: of the built-in ones if none is given.

    Each rule must find its match examples and none of its no_match examples. Exits with 1 if one doesn't.
    """
    # The engine itself, as a file to test may well be a new version of a built-in pack.
    given = [(Path(pack).name, decode(Path(pack).read_bytes(), pack, "utf-8")) for pack in packs]
    engine = load_engine().Engine(given or list(builtin_packs()), "", [], {"max_findings": 1 << 16})
    rules = parse_rules(engine.rules())
    misses = [miss for index, rule in enumerate(rules) for miss in _misses(engine, index, rule)]
    examples = sum(len(rule.match) + len(rule.no_match) for rule in rules)
    if as_json:
        failures = [
            {
                "pack": miss.rule.pack,
                "rule": miss.rule.id,
                "kind": miss.kind,
                "index": miss.number,
                "text": miss.example,
            }
            for miss in misses
        ]
        print_json({"rules": len(rules), "examples": examples, "failures": failures})
    else:
        for miss in misses:
            said = "is not found" if miss.kind == "match" else "is found"
            click.echo(f"{visible(miss.rule.pack)}: {miss.rule.id}: {miss.kind}[{miss.number}] {said}")
            click.echo(f"  {visible(miss.example)}")
        click.echo(f"{plural(len(rules), 'rule')}, {plural(examples, 'example')}, {plural(len(misses), 'failure')}")
    click.get_current_context().exit(1 if misses else 0)


def _misses(engine: CompiledEngine, index: int, rule: Rule) -> list[_Miss]:
    misses = [
        _Miss(rule, "match", number, text)
        for number, text in enumerate(rule.match)
        if not _is_found(engine, index, rule, text)
    ]
    misses += [
        _Miss(rule, "no_match", number, text)
        for number, text in enumerate(rule.no_match)
        if _is_found(engine, index, rule, text)
    ]
    return misses


def _is_found(engine: CompiledEngine, index: int, rule: Rule, text: str) -> bool:
    if rule.view == "hidden":  # examples are written plainly, and such a rule doesn't read what is plain
        text = base64.b64encode(text.encode("utf-8", "replace")).decode()
    found, *_ = engine.inspect(text, rule.sources[0].value, rule.paranoia)
    return any(hit[0] == index for hit in found)
