"""JSON from outside: no key twice, and errors that say where and quote nothing."""

from __future__ import annotations

import json


class JsonError(ValueError):
    """Not JSON that can be checked; the message quotes nothing of it."""


def parse_json(text: str) -> object:
    """Parse a JSON text.

    Raises:
        JsonError: not JSON, nested too deeply, or an object with the same key twice.
    """
    try:
        data: object = json.loads(text, object_pairs_hook=_unique_keys)
    except json.JSONDecodeError as error:
        raise JsonError(f"not JSON: {error.msg} at line {error.lineno}, column {error.colno}") from None
    except RecursionError:
        raise JsonError("JSON that is nested too deeply") from None
    except JsonError:
        raise
    except ValueError:  # an integer of more digits than Python converts
        raise JsonError("JSON with a number that is too long") from None
    return data


def _unique_keys(pairs: list[tuple[str, object]]) -> dict[str, object]:
    # Readers of JSON differ in which of two equal keys wins: what is checked must be what the model gets.
    table = dict(pairs)
    if len(table) < len(pairs):
        raise JsonError("a JSON object has the same key twice, and readers differ in which one they take")
    return table
