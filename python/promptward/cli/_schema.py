"""`promptward schema`: the published JSON Schemas."""

from __future__ import annotations

from importlib.resources import files

import click


def read_schema(name: str) -> str:
    """The JSON Schema of "policy" or "verdict"."""
    return files("promptward").joinpath("schemas").joinpath(f"{name}.schema.json").read_text("utf-8")


@click.command("schema")
@click.argument("name", type=click.Choice(["verdict", "policy"]))
def command(name: str) -> None:
    """Print the JSON Schema of verdicts or of policies."""
    click.echo(read_schema(name), nl=False)
