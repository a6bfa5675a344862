"""The vocabulary of policies and verdicts: actions, sources, severities, detectors and their categories."""

from __future__ import annotations

from enum import Enum
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class _Ordered(str, Enum):
    """A string enum whose members compare in the order in which they are written.

    The values are strings, so that they read well in JSON, logs and comparisons (`action == "block"`). Without the
    methods below, `<` would compare alphabetically: "block" < "flag".
    """

    @property
    def rank(self) -> int:
        """Position in the order, 0 for the lowest."""
        return _RANKS[type(self)][self]

    def __lt__(self, other: str) -> bool:
        return self.rank < self._rank_of(other)

    def __le__(self, other: str) -> bool:
        return self.rank <= self._rank_of(other)

    def __gt__(self, other: str) -> bool:
        return self.rank > self._rank_of(other)

    def __ge__(self, other: str) -> bool:
        return self.rank >= self._rank_of(other)

    def __str__(self) -> str:
        return str(self.value)

    @classmethod
    def _rank_of(cls, other: object) -> int:
        # NotImplemented would hand the comparison to str, which answers alphabetically.
        if isinstance(other, str) and (not isinstance(other, _Ordered) or isinstance(other, cls)):
            rank = _RANKS[cls].get(other)
            if rank is not None:
                return rank
        raise TypeError(f"can't compare {cls.__name__} with this {type(other).__name__}: not one of {', '.join(cls)}")


class Action(_Ordered):
    """What to do with a text: allow < flag < redact < review < block."""

    ALLOW = "allow"
    FLAG = "flag"
    REDACT = "redact"
    REVIEW = "review"
    BLOCK = "block"

    @property
    def allowed(self) -> bool:
        """True for allow, flag and redact: the text may be passed on, as `Verdict.text` gives it."""
        return self.rank <= _RANKS[Action][Action.REDACT]


class Severity(_Ordered):
    """How bad what a rule finds would be: low < medium < high < critical."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class Source(str, Enum):
    """Who wrote a text."""

    USER = "user"
    SYSTEM = "system"
    DOCUMENT = "document"
    TOOL = "tool"
    ASSISTANT = "assistant"

    def __str__(self) -> str:
        return str(self.value)


class Detector(str, Enum):
    """What is looked for."""

    PROMPT_INJECTION = "prompt_injection"
    JAILBREAK = "jailbreak"
    EXFILTRATION = "exfiltration"
    OBFUSCATION = "obfuscation"

    def __str__(self) -> str:
        return str(self.value)


_RANKS: dict[type[_Ordered], dict[str, int]] = {
    kind: {member: rank for rank, member in enumerate(kind)} for kind in (Action, Severity)
}

CATEGORIES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "prompt_injection": (
            "instruction_override",
            "system_prompt_extraction",
            "forged_turn",
            "fake_authority",
            "encoded_payload",
            "payload_splitting",
            "embedded_instruction",
            "tool_abuse",
        ),
        "jailbreak": (
            "persona",
            "developer_mode",
            "refusal_suppression",
            "answer_prefix",
            "fiction_frame",
            "many_shot",
            "adversarial_suffix",
            "pressure",
        ),
        "exfiltration": ("exfiltration_link", "exfiltration_request"),
        "obfuscation": ("invisible_text", "encoded_text"),
    }
)
"""The categories of each detector."""
