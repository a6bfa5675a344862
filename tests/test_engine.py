from __future__ import annotations

import json
import sys
from types import ModuleType

import pytest

from promptward import Firewall, Policy, _engine
from promptward._engine import ENGINES, engine_failed, load_engine
from promptward._policy import Limits
from promptward._rules import builtin_packs, parse_rules
from promptward._version import __version__
from promptward.errors import EngineUnavailable


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Loading forgets, before and after, what it found."""
    _engine._load_rust.cache_clear()
    yield monkeypatch
    monkeypatch.undo()
    _engine._load_rust.cache_clear()


@pytest.mark.parametrize("name", ["auto", "rust"])
def test_what_can_be_had(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_engine(name).info()["engine"] == "rust"
    monkeypatch.setenv("PROMPTWARD_ENGINE", name)
    assert load_engine().info()["version"] == __version__


@pytest.mark.parametrize("name", ["cython", "python"])
def test_what_cannot_be_had_is_never_replaced(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(EngineUnavailable, match=f"engine='{name}'"):
        Firewall(engine=name)
    monkeypatch.setenv("PROMPTWARD_ENGINE", name)
    with pytest.raises(EngineUnavailable, match=f"PROMPTWARD_ENGINE='{name}'"):
        load_engine()


def test_the_environment_is_read_by_each_firewall(monkeypatch: pytest.MonkeyPatch) -> None:
    Firewall()
    monkeypatch.setenv("PROMPTWARD_ENGINE", "python")
    with pytest.raises(EngineUnavailable):
        Firewall()


@pytest.mark.parametrize("name", ["Rust", "fast", " rust"])
def test_an_unknown_name_lists_the_known(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROMPTWARD_ENGINE", name)
    with pytest.raises(EngineUnavailable) as caught:
        load_engine()
    for known in ENGINES:
        assert known in str(caught.value)


def test_an_empty_variable_is_no_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROMPTWARD_ENGINE", "")
    assert load_engine().info()["engine"] == "rust"


def test_a_missing_extension_says_what_to_do(fresh: pytest.MonkeyPatch) -> None:
    fresh.setattr(sys, "meta_path", [_Missing("promptward._core"), *sys.meta_path])
    fresh.delitem(sys.modules, "promptward._core", raising=False)
    with pytest.raises(EngineUnavailable, match="install a wheel") as caught:
        load_engine()
    assert caught.value.__suppress_context__


def test_an_extension_that_lacks_something_else_is_not_hidden(fresh: pytest.MonkeyPatch) -> None:
    fresh.setattr(sys, "meta_path", [_Missing("promptward._core", "libsomething"), *sys.meta_path])
    fresh.delitem(sys.modules, "promptward._core", raising=False)
    with pytest.raises(ModuleNotFoundError, match="libsomething"):
        load_engine()


def test_an_extension_of_another_version_is_refused(fresh: pytest.MonkeyPatch) -> None:
    other = ModuleType("promptward._core")
    other.info = lambda: {"engine": "rust", "version": "0.0.1"}
    fresh.setitem(sys.modules, "promptward._core", other)
    with pytest.raises(EngineUnavailable, match=rf"version 0\.0\.1.*{__version__}"):
        load_engine()


def test_limits_of_policies_are_those_of_the_engine() -> None:
    assert Limits().model_dump() == load_engine().limits()


def test_rules_are_read_as_the_engine_gives_them() -> None:
    compiled = load_engine().Engine(list(builtin_packs()), "", [], {})
    rules = parse_rules(compiled.rules())
    raw = json.loads(compiled.rules())
    assert [rule.id for rule in rules] == [rule["id"] for rule in raw]
    assert len({rule.id for rule in rules}) == len(rules)
    for rule in rules:
        assert 0 < rule.score <= 1
        assert rule.title
        assert rule.pack in dict(builtin_packs())
        assert bool(rule.patterns) != bool(rule.signal)


def test_every_policy_covers_every_rule() -> None:
    for name in ("permissive", "balanced", "strict", "monitor"):
        for source in Policy.builtin(name).sources.model_fields_set:
            assert len(Firewall(name)._plan.sources[source].actions) == len(Firewall(name).rules)


def test_what_counts_as_a_failure_of_the_engine() -> None:
    panic = type("PanicException", (BaseException,), {})
    assert engine_failed(panic())
    assert engine_failed(RuntimeError())
    assert engine_failed(MemoryError())
    assert not engine_failed(KeyboardInterrupt())
    assert not engine_failed(SystemExit())


class _Missing:
    """An importer that can't find one module, or finds that it lacks another."""

    def __init__(self, name: str, lacking: str | None = None) -> None:
        self._name = name
        self._lacking = lacking or name

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if name == self._name:
            raise ModuleNotFoundError(f"No module named {self._lacking!r}", name=self._lacking)
