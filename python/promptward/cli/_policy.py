"""`promptward policy`: what is done about what is found."""

from __future__ import annotations

import json
import re
from datetime import datetime, timezone
from typing import TYPE_CHECKING

import click

from promptward._firewall import Firewall
from promptward._policy import Policy
from promptward._policy_files import BUILTIN_POLICIES, DEFAULT_POLICY
from promptward.cli._output import json_option, plural, print_json, visible, warn
from promptward.cli._schema import read_schema
from promptward.errors import PolicyError, RuleError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Flat = dict[str, str]

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


@click.group("policy")
def command() -> None:
    """List, show, validate and compare policies."""


@command.command("list")
@json_option
def list_policies(*, as_json: bool) -> None:
    """List the built-in policies."""
    policies = [Policy.builtin(name) for name in BUILTIN_POLICIES]
    if as_json:
        print_json([{"name": item.name, "description": item.description, "digest": item.digest} for item in policies])
        return
    for item in policies:
        default = " (the default)" if item.name == DEFAULT_POLICY else ""
        click.echo(f"{click.style(item.name.ljust(12), bold=True)} {item.description}{default}")


@command.command("show")
@click.argument("name", metavar="NAME|FILE")
@json_option
def show_policy(*, name: str, as_json: bool) -> None:
    """Print a policy with all that it inherits, as TOML: a file with that content is an equal policy."""
    policy = Policy.load(name)
    data = policy.model_dump(mode="json", exclude_none=True)
    if as_json:
        print_json({**data, "digest": policy.digest})
        return
    click.echo(f"# digest {policy.digest}")
    click.echo("\n".join(to_toml(data)))


@command.command("validate")
@click.argument("name", metavar="FILE")
@json_option
def validate_policy(*, name: str, as_json: bool) -> None:
    """Check a policy and its rules; warn of what has expired.

    Exits with 2 if the policy can't be used.
    """
    errors: list[str] = []
    warnings: list[str] = []
    policy = None
    try:
        policy = Firewall(name).policy
    except (PolicyError, RuleError) as error:
        errors.append(str(error))
    if policy is not None:
        expired = policy.expired_entries(datetime.now(timezone.utc))
        warnings = [
            f"allow[{index}] has expired on {entry.expires:%Y-%m-%d} and has no effect: {entry.reason}"
            for index, entry in enumerate(policy.allow)
            if entry in expired
        ]
    if as_json:
        digest = policy.digest if policy else None
        print_json({"valid": not errors, "digest": digest, "errors": errors, "warnings": warnings})
    else:
        for message in errors:
            hint = None if "did you mean" in message else "promptward policy schema prints what a policy may hold"
            warn(message, hint, label="error")
        for message in warnings:
            warn(message)
        if policy:
            click.echo(f"{visible(name)}: valid, digest {policy.digest}")
    click.get_current_context().exit(2 if errors else 0)


@command.command("diff")
@click.argument("old", metavar="A")
@click.argument("new", metavar="B")
@click.option("--exit-code", is_flag=True, help="Exit with 1 if the policies differ.")
@json_option
def diff_policies(*, old: str, new: str, exit_code: bool, as_json: bool) -> None:
    """Show what changes from policy A to policy B."""
    before, after = (flatten(Policy.load(name).model_dump(mode="json", exclude_none=True)) for name in (old, new))
    changes = list(_changes(before, after))
    if as_json:
        print_json(
            [
                {
                    "path": path,
                    "old": None if left is None else json.loads(left),
                    "new": None if right is None else json.loads(right),
                }
                for path, left, right in changes
            ]
        )
    else:
        for path, left, right in changes:
            click.echo(_change(path, left, right))
        click.echo(plural(len(changes), "difference"), err=True)
    click.get_current_context().exit(1 if exit_code and changes else 0)


def _changes(before: Flat, after: Flat) -> Iterator[tuple[str, str | None, str | None]]:
    # In the order of the policies: what is gone stands where it was.
    for path in dict.fromkeys((*before, *after)):
        if before.get(path) != after.get(path):
            yield path, before.get(path), after.get(path)


def _change(path: str, left: str | None, right: str | None) -> str:
    if left is None:
        return click.style(f"+ {visible(path)} = {visible(right or '')}", fg="green")
    if right is None:
        return click.style(f"- {visible(path)} = {visible(left)}", fg="red")
    return f"~ {visible(path)}: {click.style(visible(left), fg='red')} → {click.style(visible(right), fg='green')}"


def flatten(value: object, path: str = "") -> Flat:
    """The leaves of a policy as JSON, by dotted path.

    Elements of a list go by what names them, so that one more of them doesn't change the paths of all that follow.
    """
    if isinstance(value, dict):
        flat: Flat = {}
        for key, item in value.items():
            flat |= flatten(item, f"{path}.{_key(key)}" if path else _key(key))
        return flat
    if isinstance(value, list):
        flat = {}
        for item in value:
            if isinstance(item, dict):
                name = item.get("id") or item.get("name")
                flat |= flatten(item, f"{path}[{name}]") if name else {f"{path}[{_json(item)}]": "true"}
            else:
                flat[f"{path}[{_json(item)}]"] = "true"
        return flat
    return {path: _json(value)}


@command.command("schema")
def print_schema() -> None:
    """Print the JSON Schema of policy files."""
    click.echo(read_schema("policy"), nl=False)


def to_toml(data: Mapping[str, object], path: str = "") -> Iterator[str]:
    """A policy as the lines of a TOML file."""
    tables: dict[str, Mapping[str, object]] = {}
    arrays: dict[str, list[Mapping[str, object]]] = {}
    for key, value in data.items():
        if isinstance(value, dict):
            tables[key] = value
        elif isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
            arrays[key] = value
        else:
            yield f"{_key(key)} = {_inline(value)}"
    for key, table in tables.items():
        name = f"{path}{_key(key)}"
        if key == "detectors":
            yield from (f"detectors.{_key(detector)} = {_inline(item)}" for detector, item in table.items())
            continue
        if any(not isinstance(value, dict) for value in table.values()):
            yield from ("", f"[{name}]")
        yield from to_toml(table, f"{name}.")
    for key, items in arrays.items():
        for item in items:
            yield from ("", f"[[{path}{_key(key)}]]")
            yield from (f"{_key(field)} = {_inline(value)}" for field, value in item.items())


def _inline(value: object) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_key(key)} = {_inline(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_inline, value)) + "]"
    return _json(value)


def _key(key: str) -> str:
    return key if _BARE_KEY.fullmatch(key) else _json(key)


def _json(value: object) -> str:
    # Strings, numbers and booleans look alike in JSON and TOML, but for DEL, which TOML wants escaped. Not ASCII only,
    # as TOML has no surrogate pairs.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
