"""What a check returns."""

from __future__ import annotations

import os
import re
import time
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field, field_serializer, model_validator

from promptward._types import Action, Severity  # noqa: TC001 - pydantic reads the annotations

SCHEMA_VERSION: Final = 1

_SURROGATE = re.compile("[\ud800-\udfff]")


class _Result(BaseModel):
    # extra: a later release may add fields within a schema version.
    # protected_namespaces: `model_digests` is ours, and no method of pydantic.
    # ser_json_bytes: an unread part of a message may hold raw bytes.
    model_config = ConfigDict(
        frozen=True, extra="ignore", hide_input_in_errors=True, protected_namespaces=(), ser_json_bytes="base64"
    )


class Finding(_Result):
    """Something that a rule found.

    `start` and `end` are half-open offsets in code points of the text that `part` names: "text" for a plain string,
    else a place in the list of messages such as "messages[2].content[0].text". A finding that no span can be named for
    has an empty one. `view` is the chain of decodings under which the rule matched: "text" as written, or for example
    "base64>gzip". `evidence` is a keyed hash of the matched text: equal texts have equal hashes within one
    `Firewall`, and nothing can be looked up by it. `action` is what the policy says about this finding alone.
    """

    detector: str
    rule: str
    category: str
    severity: Severity
    score: float = Field(ge=0.0, le=1.0)
    start: int = Field(ge=0)
    end: int = Field(ge=0)
    part: str
    view: str
    action: Action
    refs: tuple[str, ...]
    evidence: str


class Coverage(_Result):
    """What was read, and what was not.

    `complete` is False when something was left unread: a limit cut a text or its decoded readings short, a message has
    a part that can't be read, or the engine failed. `parts` is the number of texts that were handed to the engine.
    `chars_seen` and `chars_total` count code points over all of them. `limits_hit` names limits and unread parts
    ("max_chars", "unread_part:image_url"); "surrogates_replaced" among them leaves the coverage complete.
    """

    complete: bool
    parts: int = Field(ge=0)
    chars_seen: int = Field(ge=0)
    chars_total: int = Field(ge=0)
    detectors: dict[str, Literal["ran", "skipped", "error", "timeout"]]
    limits_hit: tuple[str, ...]


class Verdict(_Result):
    """The answer of a check; true if the text may be passed on, as `text` gives it.

    `text` has the shape of what was checked: a string, or a list of messages. Spans to redact are replaced by
    `[REDACTED:<category>]`, and a text that may not pass is replaced as a whole by `[WITHHELD:<action>]`. With a policy
    in monitor mode it is the text as it was passed.

    `scores` has the highest score of each detector's findings, 0.0 without one. They are the scores of rules, which
    follow from their severity; they are not probabilities. `timings_us` are microseconds. `id` is a UUID (version 7) in
    hex, so that ids sort by time. The dump of a verdict contains `text`; its repr doesn't.
    """

    schema_version: Literal[1] = SCHEMA_VERSION
    id: str
    action: Action
    allowed: bool
    text: str | list[dict[str, object]] = Field(repr=False)
    scores: dict[str, float]
    findings: tuple[Finding, ...]
    coverage: Coverage
    policy_digest: str
    model_digests: dict[str, str]
    rules_digest: str
    engine: str
    timings_us: dict[str, float]

    def __bool__(self) -> bool:
        return self.allowed

    @model_validator(mode="after")
    def _allowed_follows_action(self) -> Verdict:
        if self.allowed != self.action.allowed:
            raise ValueError("`allowed` contradicts `action`")
        return self

    @field_serializer("text", when_used="json")
    def _json_text(self, text: str | list[dict[str, object]]) -> str | list[dict[str, object]]:
        # A lone surrogate has no UTF-8 and would make the dump fail; the engine read it as U+FFFD too.
        if isinstance(text, str):
            return _without_surrogates(text)
        return [{_without_surrogates(key): _json_value(value) for key, value in message.items()} for message in text]


def _json_value(value: object) -> object:
    if isinstance(value, str):
        return _without_surrogates(value)
    if isinstance(value, dict):
        return {_json_value(key): _json_value(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_json_value(item) for item in value]
    return value


def _without_surrogates(text: str) -> str:
    return _SURROGATE.sub("\ufffd", text)


def new_id() -> str:
    """A UUID version 7 (RFC 9562) in hex: 48 bits of milliseconds, then random bits."""
    value = (time.time_ns() // 1_000_000 << 80) | int.from_bytes(os.urandom(10), "big")
    value = value & ~(0xF << 76) & ~(0x3 << 62) | (0x7 << 76) | (0x2 << 62)
    return f"{value:032x}"
