from __future__ import annotations

import inspect

import pytest

from promptward import errors


def test_every_exception_is_exported_documented_and_in_the_tree() -> None:
    classes = {name for name, value in vars(errors).items() if inspect.isclass(value)}
    assert sorted(classes) == errors.__all__
    for name in classes:
        assert issubclass(getattr(errors, name), errors.PromptwardError)
        assert name in (errors.__doc__ or "")


@pytest.mark.parametrize(
    ("error", "builtin"),
    [
        (errors.PolicyError, ValueError),
        (errors.RuleError, ValueError),
        (errors.InputError, TypeError),
        (errors.InputError, ValueError),
    ],
)
def test_misuse_can_be_caught_as_the_builtin_that_a_caller_expects(
    error: type[Exception], builtin: type[Exception]
) -> None:
    with pytest.raises(builtin, match="reason"):
        raise error("reason")
