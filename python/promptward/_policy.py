"""Policies: what is looked for, and what is done about it."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import date, datetime, timezone
from functools import cache, cached_property
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError

from promptward._policy_files import is_policy_file, nearest, read_builtin, read_policy, resolve
from promptward._types import Action, Detector, Severity, Source
from promptward.errors import PolicyError

if TYPE_CHECKING:
    from pydantic.config import JsonDict
    from pydantic_core import ErrorDetails

FailAction = Literal[Action.FLAG, Action.REVIEW, Action.BLOCK]
"""What can be done about a text that wasn't read: never plain allow, and there is no span to redact."""


def _nothing_required(schema: JsonDict) -> None:
    # A policy inherits from "balanced" what it doesn't say, so that a file needs none of the keys.
    schema.pop("required", None)


class _Table(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, json_schema_extra=_nothing_required
    )

    @model_validator(mode="before")
    @classmethod
    def _name_unknown_keys(cls, data: object) -> object:
        if isinstance(data, Mapping):
            unknown = [str(key) for key in data if key not in cls.model_fields]
            if unknown:
                hints = "; ".join(f"unknown key {key!r}{nearest(key, cls.model_fields)}" for key in unknown)
                raise PydanticCustomError("unknown_key", "{hints}", {"hints": hints})
        return data


class _Item(_Table):
    # An element of a list is given as a whole and inherits nothing.
    model_config = ConfigDict(json_schema_extra=None)


class DetectorPolicy(_Table):
    """What to do about a detector's findings.

    A finding whose score is at least `threshold` gets `action`, any other gets allow and stays visible. A finding to
    redact without a span of its own is blocked.
    """

    threshold: float = Field(strict=True, ge=0.0, le=1.0, allow_inf_nan=False)
    action: Action


class DetectorPolicies(_Table):
    """One entry for each detector."""

    prompt_injection: DetectorPolicy
    jailbreak: DetectorPolicy
    exfiltration: DetectorPolicy
    obfuscation: DetectorPolicy

    def of(self, detector: str) -> DetectorPolicy:
        """The entry of a detector."""
        settings: DetectorPolicy = getattr(self, Detector(detector).value)
        return settings


class SourcePolicy(_Table):
    """How texts of one source are treated.

    Rules up to the level `paranoia` run. `on_error` applies when a text wasn't read to its end: a limit was hit, or the
    engine failed. Where there are more findings than are reported, the worst action of the detectors applies too.
    """

    paranoia: int = Field(strict=True, ge=1, le=4)
    on_error: FailAction
    detectors: DetectorPolicies


class Sources(_Table):
    """One entry for each source."""

    user: SourcePolicy
    system: SourcePolicy
    document: SourcePolicy
    tool: SourcePolicy
    assistant: SourcePolicy

    def of(self, source: Source) -> SourcePolicy:
        """The entry of a source."""
        settings: SourcePolicy = getattr(self, source.value)
        return settings


class Limits(_Table):
    """Caps on the work that one text may cause; hitting one is reported in the coverage.

    `max_chars` is in code points, `max_decoded_bytes` in bytes over all decoded readings of a text.
    """

    max_chars: int = Field(default=64 << 20, strict=True, ge=1, le=1 << 29)
    max_findings: int = Field(default=256, strict=True, ge=1, le=1 << 16)
    max_views: int = Field(default=256, strict=True, ge=1, le=1 << 16)
    max_decode_depth: int = Field(default=4, strict=True, ge=0, le=16)
    max_decoded_bytes: int = Field(default=8 << 20, strict=True, ge=0, le=1 << 30)


def _moment(value: object) -> object:
    """Midnight of a date, and UTC where no time zone is given: an expiry must mean one moment."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value[:-1] + "+00:00" if value.endswith(("Z", "z")) else value)
        except ValueError:
            raise PydanticCustomError("expires", "expected a date or a date with a time, such as 2030-01-31") from None
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)  # noqa: DTZ001 - follows
    if isinstance(value, datetime):
        return value.replace(tzinfo=timezone.utc) if value.tzinfo is None else value.astimezone(timezone.utc)
    raise PydanticCustomError("expires", "expected a date or a date with a time, such as 2030-01-31")


Moment = Annotated[
    datetime,
    BeforeValidator(_moment),
    WithJsonSchema(
        {"anyOf": [{"type": "string", "format": "date"}, {"type": "string", "format": "date-time"}]}, mode="validation"
    ),
]


class AllowEntry(_Item):
    """Findings that are let through: those that fit everything the entry says.

    `text_sha256` is that of the matched span in NFC, `phrase` is the matched span itself in any case. Without `sources`
    the entry holds for all of them. From `expires` on, it has no effect; a date means its beginning in UTC.
    """

    rule: str | None = None
    detector: Detector | None = None
    text_sha256: str | None = Field(default=None, pattern="^[0-9a-f]{64}$")
    phrase: str | None = Field(default=None, min_length=1)
    sources: tuple[Source, ...] = ()
    expires: Moment
    reason: str = Field(min_length=1)

    @model_validator(mode="after")
    def _says_what(self) -> AllowEntry:
        if self.rule is None and self.detector is None and self.text_sha256 is None and self.phrase is None:
            raise PydanticCustomError("allow", "would allow everything: give rule, detector, text_sha256 or phrase")
        return self


class ContextPatterns(_Item):
    """Patterns that must, or must not, match within so many bytes of a match."""

    patterns: tuple[str, ...] = Field(min_length=1)
    within: int = Field(strict=True, ge=1, le=1000)


class CustomRule(_Item):
    """A rule of the policy's own; docs/rules.md says what each field means."""

    id: str = Field(pattern="^[a-z0-9-]{3,64}$")
    title: str
    detector: Detector
    category: str
    severity: Severity
    score: float | None = Field(default=None, strict=True, ge=0.0, le=1.0, allow_inf_nan=False)
    paranoia: int = Field(strict=True, ge=1, le=4)
    languages: tuple[str, ...] = ()
    sources: tuple[Source, ...] = (Source.USER, Source.DOCUMENT, Source.TOOL)
    refs: tuple[str, ...] = ()
    define: dict[str, str] = Field(default_factory=dict)
    patterns: tuple[str, ...] = ()
    signal: str | None = None
    view: Literal["text", "cased", "hidden"] = "text"
    near: ContextPatterns | None = None
    not_near: ContextPatterns | None = None
    all_of: tuple[str, ...] = ()
    none_of: tuple[str, ...] = ()
    match: tuple[str, ...] = ()
    no_match: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _finds_something(self) -> CustomRule:
        if bool(self.patterns) == (self.signal is not None):
            raise PydanticCustomError("rule", "give either patterns or a signal")
        return self


class RulePack(_Item):
    """A rule pack: its name in messages, and its text."""

    name: str = Field(min_length=1)
    text: str


class Policy(_Table):
    """What is looked for, and what is done about it; immutable, and equal to any other policy with the same content.

    Build one with `Policy.load`, `Policy.builtin` or `Policy.from_dict`. What a policy doesn't say it has from the one
    that it `extends`, "balanced" if it names none: tables are merged, lists are joined, the rest is replaced. Relative
    paths start from the policy's file.

    `mode` "monitor" computes everything and changes nothing: the action of a verdict is at most flag. `unread_parts`
    is what to do about parts of a message that hold no text that could be read, such as images.
    """

    name: str = Field(default="custom", min_length=1)
    description: str = ""
    extends: Annotated[None, WithJsonSchema({"type": ["string", "null"], "default": "balanced"})] = None
    mode: Literal["enforce", "monitor"] = "enforce"
    unread_parts: Literal[Action.ALLOW, Action.FLAG, Action.REVIEW, Action.BLOCK] = Action.FLAG
    sources: Sources
    limits: Limits = Field(default_factory=Limits)
    allow: tuple[AllowEntry, ...] = ()
    rules: tuple[CustomRule, ...] = ()
    rule_packs: tuple[
        Annotated[
            RulePack,
            WithJsonSchema(
                {
                    "anyOf": [
                        {"type": "string", "description": "path of a rule pack"},
                        {
                            "type": "object",
                            "properties": {"name": {"type": "string"}, "text": {"type": "string"}},
                            "required": ["name", "text"],
                            "additionalProperties": False,
                        },
                    ]
                }
            ),
        ],
        ...,
    ] = ()
    disabled_rules: tuple[str, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _inherit(cls, data: object) -> object:
        return resolve(data, None, ()) if isinstance(data, dict) else data

    @classmethod
    def load(cls, policy: str | PathLike[str]) -> Policy:
        """Return a policy by the name of a built-in or of a file (`.toml`, `.yaml`, `.yml`).

        Raises:
            PolicyError: no such policy, or one that can't be read or contradicts itself.
        """
        if isinstance(policy, str) and not is_policy_file(policy):
            return cls.builtin(policy)
        path = Path(fspath(policy))
        return _validated(read_policy(path), f"policy {path}")

    @classmethod
    def builtin(cls, name: str) -> Policy:
        """Return a built-in policy: "permissive", "balanced", "strict" or "monitor".

        Raises:
            PolicyError: there is none of that name.
        """
        return _builtin(name)

    @classmethod
    def from_dict(cls, data: Mapping[str, object]) -> Policy:
        """Build a policy from the keys that a file would have; it may name no files.

        Raises:
            PolicyError: an unknown key, a bad value, or a policy that contradicts itself.
        """
        if not isinstance(data, Mapping):
            raise PolicyError(f"expected a mapping of policy keys, got {type(data).__name__}")
        return _validated(dict(data), "policy")

    @cached_property
    def digest(self) -> str:
        """SHA-256, in hex, over the canonical JSON of the whole policy, rules included."""
        content = json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(content.encode()).hexdigest()

    def expired_entries(self, now: datetime | None = None) -> tuple[AllowEntry, ...]:
        """The entries of the allow-list that have no effect any more; `now` must have a time zone."""
        moment = now or datetime.now(timezone.utc)
        return tuple(entry for entry in self.allow if entry.expires <= moment)

    def model_copy(self, *, update: Mapping[str, object] | None = None, deep: bool = False) -> Policy:
        """Copy, with changes that are validated as in `from_dict`."""
        # The copy of the base class would keep the digest of the original and would not validate.
        del deep
        return type(self).from_dict({**self.model_dump(), **(update or {})})

    def __eq__(self, other: object) -> bool:
        return self.digest == other.digest if isinstance(other, Policy) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.digest)

    def __repr__(self) -> str:
        return f"Policy(name={self.name!r}, digest={self.digest[:12]!r})"

    __str__ = __repr__


def _validated(data: dict[str, object], where: str) -> Policy:
    try:
        return Policy.model_validate(data)
    except ValidationError as error:
        raise PolicyError(f"{where}: " + "\n  ".join(map(_explain, error.errors()))) from None


def _explain(error: ErrorDetails) -> str:
    # "Input should be <Action.FLAG: 'flag'>" is how pydantic shows the members of an enum in a Literal.
    message = re.sub(r"<\w+\.\w+: ('\w+')>", r"\1", error["msg"])
    return f"{'.'.join(map(str, error['loc'])) or 'top level'}: {message}"


@cache
def _builtin(name: str) -> Policy:
    return _validated(read_builtin(name), f"built-in policy {name}")
