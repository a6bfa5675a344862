"""Chooses the engine: the compiled core that reads texts.

`PROMPTWARD_ENGINE` is `auto` (the default), `rust`, `cython` or `python`. This release has the engine `rust`; a choice
that can't be had is an error, never a silent replacement.
"""

from __future__ import annotations

import os
from functools import lru_cache
from importlib import import_module
from typing import Protocol, cast

from promptward._version import __version__
from promptward.errors import EngineUnavailable

__all__ = ["ENGINES", "CompiledEngine", "EngineModule", "engine_failed", "load_engine"]

ENGINES = ("auto", "rust", "cython", "python")
VARIABLE = "PROMPTWARD_ENGINE"
_EXTENSION = "promptward._core"


class CompiledEngine(Protocol):
    """Rules, compiled once; `promptward/_core.pyi` says what each member does."""

    @property
    def digest(self) -> str: ...

    def inspect(
        self, text: str, source: str, paranoia: int, /
    ) -> tuple[list[tuple[int, int, int, str]], int, int, list[str]]: ...

    def rules(self) -> str: ...


class EngineModule(Protocol):
    """What each engine offers."""

    def Engine(  # noqa: N802 - a class in the engines
        self, packs: list[tuple[str, str]], custom: str, disabled: list[str], limits: dict[str, int], /
    ) -> CompiledEngine: ...

    def info(self) -> dict[str, str]: ...

    def limits(self) -> dict[str, int]: ...


def load_engine(name: str | None = None) -> EngineModule:
    """Return an engine by name.

    Args:
        name: one of `ENGINES`; None takes it from the environment variable `PROMPTWARD_ENGINE`.

    Raises:
        EngineUnavailable: the name is unknown, or that engine isn't installed or has another version than the package.
    """
    origin = "engine" if name is not None else VARIABLE
    if name is None:
        name = os.environ.get(VARIABLE) or "auto"
    if name not in ENGINES:
        raise EngineUnavailable(f"{origin}={name!r} is not an engine: choose one of {', '.join(ENGINES)}")
    if name not in ("auto", "rust"):
        raise EngineUnavailable(f"{origin}={name!r}: this release has no such engine; use 'rust' or 'auto'")
    return _load_rust()


@lru_cache(maxsize=1)
def _load_rust() -> EngineModule:
    try:
        module = cast("EngineModule", import_module(_EXTENSION))
    except ModuleNotFoundError as error:
        if error.name != _EXTENSION:  # something else is missing: that is the error to show
            raise
        raise EngineUnavailable(
            f"the compiled engine {_EXTENSION} is not installed for this Python: install a wheel of promptward "
            f"{__version__} for this platform, or build it from source with Rust on PATH"
        ) from None
    version = module.info()["version"]
    if version != __version__:
        raise EngineUnavailable(
            f"the compiled engine has version {version}, the package {__version__}: reinstall promptward, so that both "
            "come from one build"
        )
    return module


def engine_failed(error: BaseException) -> bool:
    """Whether an exception out of an engine is a failure to inspect, which the policy's `on_error` answers.

    A Rust panic arrives as `pyo3_runtime.PanicException`, which derives from BaseException and can't be imported.
    KeyboardInterrupt and SystemExit are not failures of the engine.
    """
    return isinstance(error, Exception) or type(error).__name__ == "PanicException"
