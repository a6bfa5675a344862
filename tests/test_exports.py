from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import promptward

PUBLIC = [
    "Action",
    "Coverage",
    "Detector",
    "Finding",
    "Firewall",
    "Policy",
    "Rule",
    "Severity",
    "Source",
    "Verdict",
    "__version__",
    "errors",
    "firewall",
]


def test_public_names() -> None:
    assert promptward.__all__ == PUBLIC
    assert sorted(promptward.__all__) == promptward.__all__
    assert set(PUBLIC) <= set(dir(promptward))


@pytest.mark.parametrize("name", PUBLIC)
def test_each_name_is_there_and_stays_the_same(name: str) -> None:
    assert getattr(promptward, name) is getattr(promptward, name)


def test_what_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'Firewal'"):
        promptward.Firewal  # noqa: B018
    with pytest.raises(ImportError):
        exec("from promptward import Firewal")


def test_default_firewall_is_one_firewall_with_the_default_policy() -> None:
    from promptward import firewall

    assert firewall is promptward.firewall
    assert isinstance(firewall, promptward.Firewall)
    assert firewall.policy == promptward.Policy.builtin("balanced")


def test_import_loads_nothing_that_is_dear() -> None:
    heavy = {"pydantic", "asyncio", "yaml", "promptward._core", "promptward._firewall", "promptward._policy"}
    code = f"import sys, promptward; print(sorted({heavy!r} & set(sys.modules)))"
    assert _python(code) == "[]"


def test_a_check_needs_neither_asyncio_nor_yaml() -> None:
    code = (
        "import sys; from promptward import firewall; firewall.check('x'); print({'asyncio', 'yaml'} & {*sys.modules})"
    )
    assert _python(code) == "set()"


def test_each_module_has_a_docstring() -> None:
    folder = Path(promptward.__file__).parent
    for path in [*folder.glob("*.py"), *folder.glob("_engine/*.py")]:
        name = ".".join(("promptward", *path.relative_to(folder).with_suffix("").parts)).removesuffix(".__init__")
        assert import_module(name).__doc__, name


def _python(code: str) -> str:
    run = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    return run.stdout.strip()
