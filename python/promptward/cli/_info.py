"""`promptward info`: what a report about a problem should say."""

from __future__ import annotations

import platform

import click

from promptward._firewall import Firewall
from promptward.cli._output import json_option, policy_option, print_json, visible


@click.command("info")
@policy_option
@json_option
def command(*, policy: str, as_json: bool) -> None:
    """Show versions, the engine, digests and limits."""
    firewall = Firewall(policy)
    info: dict[str, object] = {
        **firewall.info(),
        "rules": len(firewall.rules),
        "limits": firewall.policy.limits.model_dump(),
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "platform": platform.platform(),
        "machine": platform.machine(),
    }
    if as_json:
        print_json(info)
        return
    for name, value in info.items():
        if isinstance(value, dict):
            for limit, number in value.items():
                _line(limit, f"{number:,}")
        else:
            _line(name, f"{value:,}" if isinstance(value, int) else str(value))


def _line(name: str, value: str) -> None:
    click.echo(f"{click.style(name.replace('_', ' ').ljust(18), dim=True)} {visible(value)}")
