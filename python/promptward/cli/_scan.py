"""`promptward scan`: files, folders and columns of data files."""

from __future__ import annotations

import os
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

from promptward._firewall import Firewall
from promptward._types import Action, Source
from promptward.cli._output import (
    SOURCES,
    Failure,
    encoding_option,
    plural,
    policy_option,
    warn,
)
from promptward.cli._report import JsonLinesReport, Stats, TableReport, summary_lines
from promptward.cli._sarif import SarifReport
from promptward.cli._tables import NoColumnError, read_rows
from promptward.cli._texts import Empty, Place, Text, Unread, find_files, read_text
from promptward.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from promptward.cli._report import Report
    from promptward.cli._texts import File, Item

MAX_FILE_SIZE = "64M"
MAX_WARNINGS = 10
"""Broken rows that are named on stderr; all are counted, and all are in the output for machines."""
REPORTS: dict[str, Callable[[TextIO, Firewall], Report]] = {
    "table": TableReport,
    "jsonl": JsonLinesReport,
    "sarif": SarifReport,
}


def _size(_ctx: click.Context, _param: click.Parameter, value: str) -> int:
    text = value.upper().removesuffix("B").removesuffix("I")
    factor = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}.get(text[-1:], 1)
    digits = text[:-1] if factor > 1 else text
    if not (digits.isascii() and digits.isdecimal() and int(digits) > 0):
        raise click.BadParameter("expected a number of bytes, such as 500K, 64M or 1G")
    return int(digits) * factor


@click.command("scan")
@click.argument("paths", nargs=-1, required=True)
@click.option("--column", "-c", "columns", multiple=True, metavar="NAME", help="Read this column; can be given again.")
@click.option("--source", "-s", type=click.Choice(SOURCES), help="Who wrote it.  [default: document; user for rows]")
@policy_option
@click.option("--output", "-o", type=click.Choice(list(REPORTS)), default="table", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="The same as --output jsonl.")
@click.option("--out", type=click.Path(dir_okay=False), help="Write to this file instead of standard output.")
@click.option(
    "--fail-on",
    type=click.Choice([action.value for action in Action if action is not Action.ALLOW]),
    default=Action.BLOCK.value,
    show_default=True,
    help="Exit with 1 if any text has this action or a worse one.",
)
@click.option("--include", multiple=True, metavar="GLOB", help="In folders, read only files that fit.")
@click.option("--exclude", multiple=True, metavar="GLOB", help="In folders, leave out files and folders that fit.")
@click.option(
    "--max-file-size", callback=_size, default=MAX_FILE_SIZE, show_default=True, help="Of a file, or of a row."
)
@encoding_option
@click.option("--all", "every", is_flag=True, help="With jsonl: also the texts in which nothing was found.")
@click.option("--strict", is_flag=True, help="Stop at the first row that can't be read.")
@click.pass_context
def command(
    ctx: click.Context,
    *,
    paths: tuple[str, ...],
    columns: tuple[str, ...],
    source: str | None,
    policy: str,
    output: str,
    as_json: bool,
    out: str | None,
    fail_on: str,
    include: tuple[str, ...],
    exclude: tuple[str, ...],
    max_file_size: int,
    encoding: str,
    every: bool,
    strict: bool,
) -> None:
    """Check files, folders and columns of data files.

    JSONL, CSV, TSV and Parquet files are read row by row, in the columns that --column names or in those with a usual
    name, such as text, prompt or messages. All other files are read as one text each; binary files in folders are
    passed over. Exits with 2 if a file can't be read.
    """
    output = "jsonl" if as_json else output
    firewall = Firewall(policy)
    files = find_files(paths, include, exclude)
    with _progress(files) as advance, _destination(out) as stream:
        scan = _Scan(
            firewall, REPORTS[output](stream, firewall), source, strict=strict, every=every and output == "jsonl"
        )
        for file in files:
            for item in _items(file, columns, encoding, max_file_size, advance):
                scan.take(item, rows=file.is_tabular)
            scan.stats.files += file.problem is None
        scan.end()
    if output != "table" or out:
        for line in summary_lines(scan.stats, {rule.id: rule for rule in firewall.rules}):
            click.echo(line, err=True)
    ctx.exit(2 if scan.failed else 1 if scan.stats.worst >= Action(fail_on) else 0)


class _Scan:
    """Checks what it is handed, counts, and reports."""

    def __init__(self, firewall: Firewall, report: Report, source: str | None, *, strict: bool, every: bool) -> None:
        self.stats = Stats()
        self.failed = False
        self._firewall = firewall
        self._report = report
        self._source = source
        self._strict = strict
        self._every = every

    def take(self, item: Item, *, rows: bool) -> None:
        source = self._source or ("user" if rows else "document")
        if isinstance(item, Empty):
            self.stats.empty += 1
        elif isinstance(item, Unread):
            self._unread(item, source)
        else:
            self._check(item, source)

    def end(self) -> None:
        more = self.stats.unread["row"] - MAX_WARNINGS
        if more > 0:
            warn(f"{plural(more, 'more broken row')} not shown")
        self._report.end(self.stats, ok=not self.failed)

    def _check(self, text: Text, source: str) -> None:
        try:
            if isinstance(text.content, str):
                verdict = self._firewall.check(text.content, source)
            else:
                verdict = self._firewall.check(text.content)
        except InputError as error:
            self._unread(Unread(text.place, "row", str(error)), source)
            return
        stats = self.stats
        stats.texts += 1
        stats.actions[verdict.action] += 1
        stats.rules.update({finding.rule for finding in verdict.findings})
        stats.incomplete += not verdict.coverage.complete
        if (
            verdict.findings
            or not verdict.coverage.complete
            or (self._every and isinstance(self._report, JsonLinesReport))
        ):
            self._report.result(text, verdict)

    def _unread(self, item: Unread, source: str) -> None:
        self.stats.unread[item.kind] += 1
        action = None
        if item.kind == "too_large":  # as a text that wasn't read to its end
            policy = self._firewall.policy
            action = Action(policy.sources.of(Source(source)).on_error)
            action = min(action, Action.FLAG) if policy.mode == "monitor" else action
            self.stats.actions[action] += 1
            self.stats.texts += 1
            self.stats.incomplete += 1
        message = f"{item.place}: {item.reason}"
        if item.kind == "file":
            self.failed = True
            warn(message, item.hint, label="error")
        elif item.kind == "bytes":
            warn(message, item.hint)
        elif item.kind == "row":
            if self._strict:
                raise Failure(message, "without --strict, rows that can't be read are counted")
            if self.stats.unread["row"] <= MAX_WARNINGS:
                warn(message)
        self._report.unread(item, action)


def _items(
    file: File, columns: tuple[str, ...], encoding: str, max_size: int, advance: Callable[[int], None]
) -> Iterator[Item]:
    if file.problem is not None:
        yield file.problem
        return
    place = Place(str(file.path))
    if file.is_tabular:
        try:
            yield from read_rows(file, columns, encoding, max_size, advance)
        except NoColumnError as error:
            # In a folder, it may be some other kind of file: as one text, nothing of it is left out.
            if not file.named and file.path.suffix.lower() != ".parquet":
                yield from read_text(file, encoding, max_size, advance)
                return
            yield Unread(place, "file", str(error), "name the columns to read with --column")
        except UnicodeError:
            yield Unread(place, "file", f"not {encoding} text", "name the encoding with --encoding")
        except OSError as error:
            yield Unread(place, "file", f"can't be read: {error.strerror or type(error).__name__}")
    else:
        yield from read_text(file, encoding, max_size, advance)
    advance(file.size)


@contextmanager
def _destination(name: str | None) -> Iterator[TextIO]:
    """Where the report goes. A file appears, or is replaced, only once it is complete."""
    if name is None:
        yield sys.stdout
        return
    path = Path(name)
    try:
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    except OSError as error:
        raise Failure(f"{name}: can't be written: {error.strerror}") from None
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace", newline="\n") as stream:
            yield stream
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


@contextmanager
def _progress(files: list[File]) -> Iterator[Callable[[int], None]]:
    """A bar on stderr if that is a terminal; what it yields takes the number of bytes read of the current file."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console  # noqa: PLC0415 - takes a while to import
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    columns = (TextColumn("scanning"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    # Lines for the same terminal are written above the bar; what goes elsewhere isn't touched.
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, redirect_stdout=sys.stdout.isatty()) as bar:
        task = bar.add_task("scanning", total=sum(file.size for file in files))
        done = current = 0

        def advance(position: int) -> None:
            nonlocal done, current
            if position < current:  # a new file
                done += current
            current = position
            bar.update(task, completed=done + current)

        yield advance
