"""The command line: `promptward --help` lists the commands, docs/cli.md shows each of them.

Commands are loaded when they are run, so that `promptward --help` needs neither the engine nor pydantic. What a command
answers goes to stdout, everything else to stderr.

Exit codes: 0 everything was allowed, 1 something was not, 2 an error, 130 interrupted, 141 the reader of the output has
gone.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import Any, cast

import click

from promptward._version import __version__

__all__ = ["main"]

COMMANDS = {
    "check": "Check a text, files or messages.",
    "demo": "Check three example prompts and show what is found.",
    "info": "Show versions, the engine, digests and limits.",
    "policy": "List, show, validate and compare policies.",
    "rules": "List, show and test rules.",
    "scan": "Check files, folders and columns of data files.",
    "schema": "Print the JSON Schema of verdicts or of policies.",
}
"""Name and summary of each command; the modules have the same names with a leading underscore."""

INTERRUPTED = 128 + 2
PIPE_CLOSED = 128 + 13


class _Commands(click.Group):
    """Loads a command when it is run, and turns exceptions into messages and exit codes."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - as in the base class
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"promptward.cli._{cmd_name}")
        return cast("click.Command", module.command)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and not args[0].startswith("-") and args[0] not in COMMANDS:
            from difflib import get_close_matches  # noqa: PLC0415 - only needed here

            close = get_close_matches(args[0], COMMANDS, n=1)
            hint = f"; did you mean {close[0]!r}?" if close else ""
            raise click.UsageError(f"no command {args[0]!r}{hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        # The one of the base class loads every command to ask it for its summary.
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> Any:
        from promptward.errors import PromptwardError  # noqa: PLC0415 - only needed once a command runs

        try:
            try:
                return super().invoke(ctx)
            finally:
                sys.stdout.flush()
        except BrokenPipeError:
            _discard_output()
            ctx.exit(PIPE_CLOSED)
        except KeyboardInterrupt:
            click.echo("interrupted", err=True)
            ctx.exit(INTERRUPTED)
        except PromptwardError as error:
            _fail(ctx, str(error))
        except OSError as error:
            name = f"{error.filename}: " if error.filename else ""
            _fail(ctx, f"{name}{error.strerror or type(error).__name__}")


def _fail(ctx: click.Context, message: str) -> None:
    from promptward.cli._output import Failure  # noqa: PLC0415 - only needed on errors

    Failure(message).show()
    ctx.exit(Failure.exit_code)


def _discard_output() -> None:
    # Else the interpreter flushes into the closed pipe at exit, and complains.
    try:
        descriptor = sys.stdout.fileno()
    except (OSError, ValueError):
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 everything was allowed, 1 something was not, 2 an error.",
)
@click.version_option(__version__, prog_name="promptward", message="%(prog)s %(version)s")
@click.pass_context
def main(ctx: click.Context) -> None:
    """Find prompt injection, jailbreaks and hidden text in what goes in and out of a language model."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        ctx.color = False
    for stream in (sys.stdout, sys.stderr):
        # File names and excerpts can hold anything, and the terminal may not be able to show it.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
