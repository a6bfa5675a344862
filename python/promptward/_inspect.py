"""Hands texts to the engine, and brings its offsets back to the parts that a text was given in."""

from __future__ import annotations

import logging
from bisect import bisect_right
from itertools import accumulate
from typing import TYPE_CHECKING

from promptward._decide import Hit, Inspection
from promptward._engine import engine_failed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from promptward._decide import Segment
    from promptward._engine import CompiledEngine
    from promptward._plan import SourcePlan

_log = logging.getLogger("promptward")


def inspect_segments(engine: CompiledEngine, segments: Sequence[Segment], source: SourcePlan) -> Inspection:
    """Inspect one text. An engine that fails is reported in the result, for the policy to answer."""
    try:
        if len(segments) == 1:
            found, seen, total, limits = engine.inspect(segments[0].text, source.name, source.paranoia)
            return Inspection([Hit(rule, 0, start, end, view) for rule, start, end, view in found], seen, total, limits)
        return _inspect_joined(engine, segments, source)
    except BaseException as error:
        if not engine_failed(error):
            raise
        # Neither message nor traceback: they could quote the text.
        _log.error("the engine failed with %s; the policy's on_error applies", type(error).__name__)
        return Inspection((), 0, sum(len(segment.text) for segment in segments), (), failed=True)


def _inspect_joined(engine: CompiledEngine, segments: Sequence[Segment], source: SourcePlan) -> Inspection:
    """Inspect the text parts of one message as the one text that they are to the model.

    Chat templates join parts by a line break or by nothing. Both are read: an attack that is cut between two words
    shows in the first, one that is cut inside a word in the second. From the second, only what crosses a cut is taken.
    """
    texts = [segment.text for segment in segments]
    lines = _Joined(texts, "\n")
    found, seen, total, limits = engine.inspect(lines.text, source.name, source.paranoia)
    hits = dict.fromkeys(hit for rule, start, end, view in found for hit in lines.hits(rule, start, end, view))
    run = _Joined(texts, "")
    more, more_seen, more_total, more_limits = engine.inspect(run.text, source.name, source.paranoia)
    for rule, start, end, view in more:
        crossing = run.hits(rule, start, end, view)
        if len(crossing) > 1:
            hits.update(dict.fromkeys(crossing))
    chars = sum(map(len, texts))
    complete = seen >= total and more_seen >= more_total
    return Inspection(
        hits=tuple(hits),
        chars_seen=chars if complete else min(lines.chars_before(seen), more_seen),
        chars_total=chars,
        limits_hit=sorted({*limits, *more_limits}),
    )


class _Joined:
    def __init__(self, texts: Sequence[str], separator: str) -> None:
        self.text = separator.join(texts)
        self._lengths = [len(text) for text in texts]
        self._starts = [0, *accumulate(length + len(separator) for length in self._lengths[:-1])]

    def hits(self, rule: int, start: int, end: int, view: str) -> list[Hit]:
        """What a finding covers in each of the parts; at least one hit, with an empty span if it covers nothing."""
        first = bisect_right(self._starts, start) - 1
        found = []
        for index in range(first, len(self._starts)):
            offset = self._starts[index]
            if offset >= end:
                break
            low, high = max(start - offset, 0), min(end - offset, self._lengths[index])
            if low < high:
                found.append(Hit(rule, index, low, high, view))
        if not found:
            at = min(start - self._starts[first], self._lengths[first])
            found.append(Hit(rule, first, at, at, view))
        return found

    def chars_before(self, end: int) -> int:
        """How many code points of the parts lie before an offset."""
        return sum(
            min(length, max(end - offset, 0)) for offset, length in zip(self._starts, self._lengths, strict=True)
        )
