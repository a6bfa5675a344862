"""What the commands share: options, errors with hints, and text that is safe to print."""

from __future__ import annotations

import json
import re
import sys
from bisect import bisect_right
from collections.abc import Callable
from typing import IO, Any, TypeVar

import click

from promptward._types import Action, Source

Decorated = TypeVar("Decorated", bound=Callable[..., Any])

POLICY = "balanced"
SOURCES = [source.value for source in Source]
COLORS = {
    Action.ALLOW: "green",
    Action.FLAG: "yellow",
    Action.REDACT: "yellow",
    Action.REVIEW: "magenta",
    Action.BLOCK: "red",
}

_SURROGATE = re.compile("[\ud800-\udfff]")

# A terminal shows nothing of these, and `str.isprintable` lets them pass.
_INVISIBLE = ((0xFE00, 0xFE0F), (0xE0100, 0xE01EF), (0x034F, 0x034F), (0x115F, 0x1160), (0x3164, 0x3164))


class Failure(click.ClickException):
    """An error that a user can do something about; exit code 2."""

    exit_code = 2

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint

    def show(self, file: IO[Any] | None = None) -> None:
        """Write the error, and what to do about it, to stderr."""
        warn(self.message, self.hint, label="error", file=file)


def warn(message: str, hint: str | None = None, *, label: str = "warning", file: IO[Any] | None = None) -> None:
    """Write a message to stderr."""
    # Not click's `err=True`, which would write past a progress bar.
    stream = file or sys.stderr
    color = "red" if label == "error" else "yellow"
    click.echo(f"{click.style(f'{label}:', fg=color, bold=True)} {visible(message, keep=chr(10))}", file=stream)
    if hint:
        click.echo(f"{click.style('hint:', fg='cyan', bold=True)} {visible(hint)}", file=stream)


def policy_option(command: Decorated) -> Decorated:
    """Add `--policy`."""
    return click.option(
        "--policy",
        "-p",
        "policy",
        default=POLICY,
        show_default=True,
        metavar="NAME|FILE",
        help="A built-in policy, or a .toml or .yaml file.",
    )(command)


def json_option(command: Decorated) -> Decorated:
    """Add `--json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(command)


def encoding_option(command: Decorated) -> Decorated:
    """Add `--encoding`."""
    return click.option(
        "--encoding", default="utf-8", show_default=True, callback=_known_encoding, help="How the files are encoded."
    )(command)


def _known_encoding(_ctx: click.Context, _param: click.Parameter, value: str) -> str:
    try:
        b"x".decode(value)
    except LookupError:
        raise click.BadParameter("no such text encoding") from None
    except UnicodeError:  # there is one, and it takes more than a byte for a character
        pass
    return value


def decode(data: bytes, name: str, encoding: str) -> str:
    """Decode a file; a byte order mark is left out.

    Raises:
        Failure: not text in this encoding; names the file and the offset in bytes.
    """
    start = 3 if encoding.lower() in ("utf-8", "utf8", "utf_8") and data.startswith(b"\xef\xbb\xbf") else 0
    try:
        return data[start:].decode(encoding)
    except UnicodeDecodeError as error:
        hint = "name the encoding with --encoding, such as --encoding latin-1"
        if data.startswith((b"\xff\xfe", b"\xfe\xff")):
            hint = "it begins as UTF-16 does: --encoding utf-16"
        elif b"\0" in data[:8192]:
            hint = "it holds NUL bytes: it may be a binary file, or UTF-16 (--encoding utf-16-le)"
        raise Failure(f"{name}: not {encoding} text at byte {error.start + start}", hint) from None
    except UnicodeError:  # UTF-16 and UTF-32 without data for a whole character
        raise Failure(f"{name}: not {encoding} text", "name the encoding with --encoding") from None


def print_json(value: object, *, indent: int | None = 2) -> None:
    """Write a value as JSON to stdout; on one line if `indent` is None."""
    click.echo(to_json(value, indent=indent, ascii_only=not _is_unicode(sys.stdout)))


def to_json(value: object, *, indent: int | None = None, ascii_only: bool = False) -> str:
    """A value as JSON; lone surrogates are written as U+FFFD, as they have no UTF-8."""
    text = json.dumps(value, indent=indent, ensure_ascii=False, separators=None if indent else (",", ":"))
    text = _SURROGATE.sub("\ufffd", text)
    if ascii_only and not text.isascii():
        return json.dumps(json.loads(text), indent=indent, separators=None if indent else (",", ":"))
    return text


def _is_unicode(stream: object) -> bool:
    encoding = getattr(stream, "encoding", None) or "utf-8"
    return str(encoding).lower().replace("_", "-").startswith("utf")


def visible(text: str, keep: str = "") -> str:
    r"""A text without control or invisible characters: each becomes `\u{…}`, so that none can steer a terminal."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(char if char in keep or _shows(char) else f"\\u{{{ord(char):x}}}" for char in text)


def _shows(char: str) -> bool:
    return char.isprintable() and not any(low <= ord(char) <= high for low, high in _INVISIBLE)


def action_label(action: Action, width: int = 0) -> str:
    """An action in capitals and colour."""
    return click.style(action.value.upper().ljust(width), fg=COLORS[action], bold=True)


def plural(count: int, noun: str) -> str:
    """A count and its noun, such as "1 text" and "2,000 texts"."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


class Lines:
    """Line and column, both from 1, of code-point offsets in a text."""

    def __init__(self, text: str) -> None:
        self._starts = [0]
        at = text.find("\n")
        while at >= 0:
            self._starts.append(at + 1)
            at = text.find("\n", at + 1)

    def place(self, offset: int) -> tuple[int, int]:
        """The line and the column of an offset."""
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1
