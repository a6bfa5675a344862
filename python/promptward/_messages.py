"""Lists of messages, OpenAI-style: which texts they hold, who wrote each, and how to put other texts in their places.

Nothing is passed over in silence. Strings are read wherever a message or a part may hold them, except identifiers; what
isn't text is reported as unread.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol, cast, runtime_checkable

from promptward._decide import Segment
from promptward.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import TypeAlias

Path = tuple[str | int, ...]

ROLES = {
    "user": "user",
    "system": "system",
    "developer": "system",
    "assistant": "assistant",
    "tool": "tool",
    "function": "tool",
}
"""The source of each role."""

TEXT_PARTS = {"text": "text", "input_text": "text", "output_text": "text", "refusal": "refusal"}
"""Types of content parts that hold text, with the key that holds it."""

# Names and settings by which the programs on both sides find things; models don't read them.
_IDENTIFIERS = frozenset({"role", "id", "type", "index", "tool_call_id", "status", "cache_control"})
_SAFE_NAME = re.compile(r"[a-z0-9_.-]{1,40}")


@runtime_checkable
class SupportsModelDump(Protocol):
    """An object of an SDK, such as `ChatCompletionMessage`."""

    def model_dump(self, *, exclude_none: bool) -> dict[str, object]:
        """The object as a mapping."""


Message: TypeAlias = Mapping[str, object] | SupportsModelDump
Messages: TypeAlias = Sequence[Message]


class Unit(NamedTuple):
    """A text as a model reads it: one string, or the text parts of one message."""

    source: str
    segments: tuple[Segment, ...]
    paths: tuple[Path, ...]


class Unread(NamedTuple):
    """Something that isn't text; `kind` is the type of the part, or the name of the field."""

    kind: str
    path: Path
    is_part: bool


class Conversation(NamedTuple):
    """What a list of messages holds."""

    messages: list[dict[str, object]]
    units: list[Unit]
    unread: list[Unread]


def read_messages(messages: object) -> Conversation:
    """Find the texts of a list of messages.

    Raises:
        InputError: names the place that isn't as it should be.
    """
    if not isinstance(messages, (list, tuple)):
        hint = ": decode them first" if isinstance(messages, (bytes, bytearray, memoryview)) else ""
        hint = ": put it into a list" if isinstance(messages, (Mapping, SupportsModelDump)) else hint
        raise InputError(f"expected a str or a list of messages, got {type(messages).__name__}{hint}")
    conversation = Conversation([], [], [])
    for index, item in enumerate(messages):
        place = f"messages[{index}]"
        message = _table(item, place)
        role = message.get("role")
        source = ROLES.get(role) if isinstance(role, str) else None
        if source is None:
            raise InputError(f"{place}.role: expected one of {', '.join(ROLES)}")
        conversation.messages.append(_Reader(conversation, source).message(message, place, (index,)))
    return conversation


class _Reader:
    """Reads one message. Its methods return what they were given, with SDK objects turned into tables."""

    def __init__(self, conversation: Conversation, source: str) -> None:
        self._units = conversation.units
        self._unread = conversation.unread
        self._source = source

    def message(self, message: dict[str, object], place: str, path: Path) -> dict[str, object]:
        changed: dict[str, object] = {}
        for key, value in message.items():
            here, there = f"{place}.{key}", (*path, key)
            if key == "content" and isinstance(value, (list, tuple)):
                changed[key] = self._content(value, here, there)
            elif key == "content" and value is not None and not isinstance(value, str):
                raise InputError(f"{here}: expected a str, a list of parts or None, got {type(value).__name__}")
            elif key == "tool_calls" and value is not None:
                changed[key] = self._tool_calls(value, here, there)
            elif key == "function_call" and value is not None:
                changed[key] = self._fields(_table(value, here), here, there, identifiers={"name"})
            elif key not in _IDENTIFIERS:
                self._field(key, value, here, there)
        return _with(message, changed)

    def _content(self, parts: Sequence[object], place: str, path: Path) -> Sequence[object]:
        tables = [_table(part, f"{place}[{index}]") for index, part in enumerate(parts)]
        texts: list[tuple[Segment, Path]] = []
        for index, part in enumerate(tables):
            here, there = f"{place}[{index}]", (*path, index)
            kind = part.get("type")
            if not isinstance(kind, str):
                raise InputError(f"{here}.type: expected a str, got {type(kind).__name__}")
            if kind not in TEXT_PARTS:
                self._unread.append(Unread(_name(kind), there, is_part=True))
                continue
            key = TEXT_PARTS[kind]
            text = part.get(key)
            if not isinstance(text, str):
                raise InputError(f"{here}.{key}: expected a str, got {type(text).__name__}")
            texts.append((Segment(f"{here}.{key}", text), (*there, key)))
            self._fields(part, here, there, identifiers={key})
        if texts:
            self._units.append(Unit(self._source, tuple(text for text, _ in texts), tuple(where for _, where in texts)))
        return tables if any(table is not part for table, part in zip(tables, parts, strict=True)) else parts

    def _tool_calls(self, calls: object, place: str, path: Path) -> Sequence[object]:
        if not isinstance(calls, (list, tuple)):
            raise InputError(f"{place}: expected a list, got {type(calls).__name__}")
        read = []
        for index, call in enumerate(calls):
            here = f"{place}[{index}]"
            read.append(self._tool_call(_table(call, here), here, (*path, index)))
        return read if any(table is not call for table, call in zip(read, calls, strict=True)) else calls

    def _tool_call(self, call: dict[str, object], place: str, path: Path) -> dict[str, object]:
        changed: dict[str, object] = {}
        for key, value in call.items():
            here, there = f"{place}.{key}", (*path, key)
            if key in ("function", "custom") and value is not None:
                changed[key] = self._fields(_table(value, here), here, there, identifiers={"name"})
            elif key not in _IDENTIFIERS:
                self._field(key, value, here, there)
        return _with(call, changed)

    def _fields(self, table: dict[str, object], place: str, path: Path, identifiers: set[str]) -> dict[str, object]:
        for key, value in table.items():
            if key not in _IDENTIFIERS and key not in identifiers:
                self._field(key, value, f"{place}.{key}", (*path, key))
        return table

    def _field(self, key: str, value: object, place: str, path: Path) -> None:
        if isinstance(value, str):
            if value:
                self._units.append(Unit(self._source, (Segment(place, value),), (path,)))
        elif value is not None and not isinstance(value, (bool, int, float)) and value not in ([], {}):
            self._unread.append(Unread(_name(key), path, is_part=False))


def write_messages(conversation: Conversation, texts: Iterable[tuple[Path, object]]) -> list[dict[str, object]]:
    """The messages with other texts in some places; only what leads to a changed place is copied."""
    messages = list(conversation.messages)
    for (index, *path), text in texts:
        position = cast("int", index)
        messages[position] = cast("dict[str, object]", _replaced(messages[position], path, text))
    return messages


def _replaced(value: object, path: Sequence[str | int], text: object) -> object:
    if not path:
        return text
    step, *rest = path
    if isinstance(step, str):
        table = cast("dict[str, object]", value)
        return {**table, step: _replaced(table[step], rest, text)}
    items = list(cast("Sequence[object]", value))
    items[step] = _replaced(items[step], rest, text)
    return items


def _table(value: object, place: str) -> dict[str, object]:
    if isinstance(value, dict):
        table = value
    elif isinstance(value, Mapping):
        table = dict(value)
    elif isinstance(value, SupportsModelDump):
        table = value.model_dump(exclude_none=True)
    else:
        raise InputError(f"{place}: expected a mapping, got {type(value).__name__}")
    if not all(isinstance(key, str) for key in table):
        raise InputError(f"{place}: expected only keys that are str")
    return table


def _with(table: dict[str, object], changed: dict[str, object]) -> dict[str, object]:
    return {**table, **changed} if any(table[key] is not value for key, value in changed.items()) else table


def _name(kind: str) -> str:
    # A type or a key can be any text, and limits are written to logs.
    return kind if _SAFE_NAME.fullmatch(kind) else "other"
