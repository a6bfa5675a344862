"""The texts of JSONL, CSV, TSV and Parquet files, row by row: no more than a row, or a small batch, is in memory."""

from __future__ import annotations

import csv
import io
import re
from importlib import import_module
from typing import TYPE_CHECKING, Any

from promptward.cli._json import JsonError, parse_json
from promptward.cli._output import visible
from promptward.cli._texts import Empty, Place, Text, Unread

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from promptward.cli._texts import File, Item

COLUMNS = (
    "text",
    "prompt",
    "content",
    "message",
    "messages",
    "input",
    "output",
    "instruction",
    "question",
    "answer",
    "response",
    "completion",
    "query",
    "context",
    "document",
    "body",
)
"""The columns that are read if none is named."""
BATCH_ROWS = 256

_NOT_DECODED = re.compile("[\udc80-\udcff]")


class NoColumnError(ValueError):
    """A file has none of the columns to read, or lacks one that was named; names those that it has."""

    def __init__(self, missing: Sequence[str], columns: Sequence[str]) -> None:
        known = ", ".join(visible(column)[:40] for column in columns[:20]) + (", …" if len(columns) > 20 else "")
        what = f"no column {', '.join(map(visible, missing))}" if missing else "no column of a usual name"
        super().__init__(f"{what}; there are: {known or 'none'}")


def read_rows(
    file: File, columns: tuple[str, ...], encoding: str, max_size: int, advance: Callable[[int], None]
) -> Iterator[Item]:
    """Read the texts of a file with rows.

    Raises:
        NoColumnError: there is no column to read.
        OSError: the file can't be read.
        UnicodeError: the encoding is one whose errors can't be told by row.
    """
    suffix = file.path.suffix.lower()
    if suffix == ".parquet":
        yield from _parquet(file, columns, max_size, advance)
        return
    with file.path.open("rb") as raw:
        name = "utf-8-sig" if encoding.lower().replace("_", "-") in ("utf-8", "utf8") else encoding
        # What isn't in the encoding becomes a lone surrogate, so that it can be told by row.
        newline = "\n" if suffix in (".jsonl", ".ndjson") else ""
        stream = io.TextIOWrapper(raw, name, "surrogateescape", newline)
        lines = _Lines(stream, max_size, lambda: advance(raw.tell()))
        if newline:
            yield from _jsonl(str(file.path), lines, columns)
        else:
            yield from _csv(str(file.path), lines, columns, "\t" if suffix == ".tsv" else ",")


class _TooLongError(Exception):
    pass


class _Lines:
    """The lines of a stream. One that is too long raises `_TooLongError` and is left behind."""

    def __init__(self, stream: io.TextIOWrapper, limit: int, advance: Callable[[], None]) -> None:
        self.limit = limit
        self.number = 0
        self._stream = stream
        self._advance = advance

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self._stream.readline(self.limit + 1)
        if not line:
            raise StopIteration
        self.number += 1
        self._advance()
        if len(line) > self.limit:
            while line and not line.endswith(("\n", "\r")):
                line = self._stream.readline(self.limit)
            raise _TooLongError
        return line


def _jsonl(file: str, lines: _Lines, columns: tuple[str, ...]) -> Iterator[Item]:
    seen: set[str] = set()
    first = True
    while True:
        try:
            line = next(lines)
        except StopIteration:
            break
        except _TooLongError:
            yield Unread(Place(file, lines.number), "too_large", f"a line of more than {lines.limit:,} characters")
            continue
        if not line.strip():
            continue
        place = Place(file, lines.number)
        try:
            row = _row(line)
        except JsonError as error:
            yield Unread(place, "row", re.sub(r" at line \d+,", " at", str(error)))
            continue
        if isinstance(row, str) and not columns:
            yield Text(place, row)
            continue
        if not isinstance(row, dict):
            yield Unread(place, "row", f"expected a JSON object, got {type(row).__name__}")
            continue
        found = [name for name in columns or COLUMNS if name in row]
        if first and not found:
            raise NoColumnError(columns, list(row))
        first = False
        seen.update(found)
        if not found:
            yield Empty() if columns else Unread(place, "row", "no column of a usual name")
        for name in found:
            yield _value(Place(file, lines.number, column=name), row[name], lines.limit)
    missing = [name for name in columns if name not in seen]
    if seen and missing:
        raise NoColumnError(missing, sorted(seen))


def _row(line: str) -> object:
    if _NOT_DECODED.search(line):
        raise JsonError("not in the encoding of the file")
    return parse_json(line)


def _value(place: Place, value: object, limit: int) -> Item:
    if isinstance(value, str):
        if len(value) > limit:
            return Unread(place, "too_large", f"more than {limit:,} characters")
        return Text(place, value) if value else Empty()
    if value is None or isinstance(value, (bool, int, float)):
        return Empty()
    if isinstance(value, list) and value and all(isinstance(item, dict) and "role" in item for item in value):
        return Text(place, value)
    return Unread(place, "row", f"holds {type(value).__name__}, neither text nor messages")


def _csv(file: str, lines: _Lines, columns: tuple[str, ...], delimiter: str) -> Iterator[Item]:
    csv.field_size_limit(min(lines.limit, 0x7FFF_FFFF))
    rows = csv.reader(lines, delimiter=delimiter)
    header: list[str] | None = None
    wanted: list[tuple[int, str]] = []
    number = 0
    while True:
        line = lines.number + 1
        try:
            cells = next(rows)
        except StopIteration:
            return
        except _TooLongError:
            number += 1
            yield Unread(Place(file, line, number), "too_large", f"a line of more than {lines.limit:,} characters")
            continue
        except csv.Error as error:
            number += 1
            yield Unread(Place(file, line, number), "row", f"not {'TSV' if delimiter == chr(9) else 'CSV'}: {error}")
            continue
        if not cells:
            continue
        if header is None:
            header = cells
            wanted = _wanted(header, header, columns)
            continue
        number += 1
        if len(cells) > len(header):
            # A mark too many must not hide a text in a column that nobody reads.
            reason = f"{len(cells)} cells, and the header has {len(header)}: checked as one text"
            yield Unread(Place(file, line, number), "row", reason)
            yield _value(Place(file, line, number), delimiter.join(cells), lines.limit)
            continue
        for index, name in wanted:
            place = Place(file, line, number, name)
            cell = cells[index] if index < len(cells) else ""
            if _NOT_DECODED.search(cell):
                yield Unread(place, "row", "not in the encoding of the file")
            else:
                yield _value(place, cell, lines.limit)


def _wanted(names: Sequence[str], usable: Iterable[str], columns: tuple[str, ...]) -> list[tuple[int, str]]:
    fit = set(usable)
    missing = [name for name in columns if name not in fit]
    wanted = [(index, name) for index, name in enumerate(names) if name in fit and name in (columns or COLUMNS)]
    if missing or not wanted:
        raise NoColumnError(missing, [name for name in names if name in fit])
    return wanted


def _parquet(file: File, columns: tuple[str, ...], max_size: int, advance: Callable[[int], None]) -> Iterator[Item]:
    name = str(file.path)
    try:
        arrow, parquet = import_module("pyarrow"), import_module("pyarrow.parquet")
    except ModuleNotFoundError:
        hint = "pip install 'promptward[parquet]'"
        yield Unread(Place(name), "file", "Parquet files need pyarrow, which is not installed", hint)
        return
    try:
        with parquet.ParquetFile(name) as table:
            fields = list(table.schema_arrow)
            texts = [field.name for field in fields if _is_text(arrow, field.type)]
            others = [column for column in columns if column not in texts]
            if others and all(column in {field.name for field in fields} for column in others):
                yield Unread(Place(name, column=others[0]), "file", "not a column of text")
                return
            wanted = [column for _, column in _wanted([field.name for field in fields], texts, columns)]
            number = 0
            for batch in table.iter_batches(BATCH_ROWS, columns=wanted):
                for row in range(batch.num_rows):
                    number += 1
                    for column in wanted:
                        yield _cell(Place(name, row=number, column=column), batch.column(column)[row], max_size)
                advance(file.size * number // max(table.metadata.num_rows, 1))
    except arrow.ArrowException as error:
        yield Unread(Place(name), "file", f"not a Parquet file that can be read ({type(error).__name__})")


def _is_text(arrow: Any, kind: Any) -> bool:
    types = arrow.types
    if types.is_dictionary(kind):
        kind = kind.value_type
    return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind))


def _cell(place: Place, scalar: Any, max_size: int) -> Item:
    try:
        value: object = scalar.as_py()
    except UnicodeDecodeError as error:
        return Unread(place, "row", f"not UTF-8 at byte {error.start}")
    return _value(place, value, max_size)
