"""The texts of files and folders, one by one; what can't be read is said, not left out."""

from __future__ import annotations

import os
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from promptward.cli._output import Failure, decode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BINARY_SAMPLE = 8192
"""Bytes at the beginning of a file in which a NUL byte marks it as binary."""
VERSION_CONTROL = frozenset({".git", ".hg", ".svn"})
TABULAR = (".jsonl", ".ndjson", ".csv", ".tsv", ".parquet")

Kind = Literal["binary", "link", "bytes", "too_large", "row", "file"]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a text comes from. `line` is where its row begins; lines and rows count from 1, without a header."""

    file: str
    line: int | None = None
    row: int | None = None
    column: str | None = None

    def __str__(self) -> str:
        name = self.file if self.line is None else f"{self.file}:{self.line}"
        row = f", row {self.row}" if self.row is not None and self.line is None else ""
        return name + row + (f", column {self.column}" if self.column else "")


@dataclass(frozen=True, slots=True)
class Text:
    """Something to check; `content` is a text or a list of messages."""

    place: Place
    content: str | list[dict[str, object]]


@dataclass(frozen=True, slots=True)
class Unread:
    """Something that wasn't read, and why.

    A binary file or a link in a folder is passed over, a file in it with some bytes that aren't text is read without
    them, a file or a row that is too large is answered by the policy, a row that is broken is counted, and a file that
    can't be read is an error.
    """

    place: Place
    kind: Kind
    reason: str
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class Empty:
    """A value without a text, such as null or a number."""


Item = Text | Unread | Empty


@dataclass(frozen=True, slots=True)
class File:
    """A file to read; `named` if it was given itself, and not found in a folder."""

    path: Path
    size: int
    named: bool
    problem: Unread | None = None

    @property
    def is_tabular(self) -> bool:
        """Whether it is read row by row."""
        return self.path.suffix.lower() in TABULAR


def find_files(paths: tuple[str, ...], include: tuple[str, ...], exclude: tuple[str, ...]) -> list[File]:
    """List the files at some paths, sorted within each folder.

    Folders of version control are left out, and links to folders aren't followed.

    Raises:
        Failure: there is nothing at a path.
    """
    found: list[File] = []
    for name in paths:
        path = Path(name)
        if path.is_dir():
            found += (file for file in _walk(path) if _is_wanted(file.path, path, include, exclude))
        elif path.exists():
            found.append(File(path, path.stat().st_size, named=True))
        else:
            raise Failure(f"{name}: no such file or folder", "to check a text, use: promptward check TEXT")
    return found


def _walk(folder: Path) -> Iterator[File]:
    errors: list[OSError] = []
    for name, folders, files in os.walk(folder, onerror=errors.append):
        here = Path(name)
        folders[:] = sorted(entry for entry in folders if entry not in VERSION_CONTROL)
        for entry in folders:
            if (here / entry).is_symlink():
                yield _passed_over(here / entry, "link", "a link to a folder")
        for entry in sorted(files):
            path = here / entry
            if path.is_file():
                yield File(path, path.stat().st_size, named=False)
            else:
                yield _passed_over(path, "link", "a broken link, a pipe or a device")
    for error in errors:
        yield _passed_over(Path(os.fspath(error.filename or folder)), "file", f"can't be read: {error.strerror}")


def _passed_over(path: Path, kind: Kind, reason: str) -> File:
    return File(path, 0, named=False, problem=Unread(Place(str(path)), kind, reason))


def _is_wanted(path: Path, root: Path, include: tuple[str, ...], exclude: tuple[str, ...]) -> bool:
    relative = path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix()
    parents = relative.split("/")

    def fits(pattern: str) -> bool:
        return fnmatch(relative, pattern) or any(fnmatch(part, pattern.rstrip("/")) for part in parents)

    return (not include or any(map(fits, include))) and not any(map(fits, exclude))


def read_text(file: File, encoding: str, max_size: int, advance: Callable[[int], None]) -> Iterator[Item]:
    """Read a file as one text."""
    place = Place(str(file.path))
    try:
        with file.path.open("rb") as stream:
            data = stream.read(max_size + 1)
    except OSError as error:
        yield Unread(place, "file", f"can't be read: {error.strerror}")
        return
    advance(len(data))
    if b"\0" in data[:BINARY_SAMPLE] and not file.named and not encoding.lower().startswith(("utf-16", "utf-32")):
        yield Unread(place, "binary", "a binary file")
    elif len(data) > max_size:
        yield Unread(place, "too_large", f"larger than {max_size:,} bytes", "--max-file-size sets the limit")
    else:
        try:
            yield Text(place, decode(data, str(file.path), encoding))
        except Failure as error:
            reason = error.message.removeprefix(f"{file.path}: ")
            yield Unread(place, "file" if file.named else "bytes", reason, error.hint)
            if not file.named:  # one bad byte must not hide the rest
                yield Text(place, data.decode(encoding, "replace"))
