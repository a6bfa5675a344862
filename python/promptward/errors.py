"""The exceptions of promptward.

```text
PromptwardError
├── PolicyError          a policy that can't be read, or that contradicts itself (also a ValueError)
├── RuleError            a rule or rule pack that the engine refuses (also a ValueError)
├── ModelIntegrityError  a model file that isn't the one its manifest names
├── EngineUnavailable    no engine, not the one that was asked for, or one of another version
└── InputError           what was passed to a check can't be checked (also a TypeError and a ValueError)
```

A text that is found to be bad is never an exception: that is what a `Verdict` is for. Messages name what was wrong,
where and what to do; they never quote the text that was being checked.
"""

from __future__ import annotations

__all__ = [
    "EngineUnavailable",
    "InputError",
    "ModelIntegrityError",
    "PolicyError",
    "PromptwardError",
    "RuleError",
]


class PromptwardError(Exception):
    """The base of all exceptions of this package."""


class PolicyError(PromptwardError, ValueError):
    """A policy that can't be read, or that contradicts itself."""


class RuleError(PromptwardError, ValueError):
    """A rule or a rule pack that the engine refuses; the message names the pack, the rule and the reason."""


class ModelIntegrityError(PromptwardError):
    """A model file that isn't the one its manifest names."""


class EngineUnavailable(PromptwardError):  # noqa: N818 - part of the public API
    """No engine, not the one that was asked for, or one of another version."""


class InputError(PromptwardError, TypeError, ValueError):
    """What was passed to a check isn't something that can be checked; the message names the place and the type."""
