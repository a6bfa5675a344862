"""Reads policy files and puts a policy together with those that it extends, before it is validated.

What comes out is self-contained: rule packs are read in, so that a policy has a digest, can be pickled, and asks
nothing of the file system afterwards.
"""

from __future__ import annotations

import sys
from difflib import get_close_matches
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, TypeGuard

from promptward.errors import PolicyError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

BUILTIN_POLICIES = ("balanced", "monitor", "permissive", "strict")
DEFAULT_POLICY = "balanced"
SUFFIXES = (".toml", ".yaml", ".yml")


def nearest(name: str, known: Iterable[str]) -> str:
    """A hint that starts with "; " for a name that isn't known, "" if nothing known is like it."""
    close = get_close_matches(name, list(known), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def is_policy_file(name: str) -> bool:
    """Whether a name is that of a policy file rather than of a built-in policy."""
    return Path(name).suffix.lower() in SUFFIXES


def read_policy(path: Path) -> dict[str, object]:
    """Read a policy file with all that it extends; without a name of its own, it has that of the file."""
    return _read_file(path, ())


def read_builtin(name: str) -> dict[str, object]:
    """Read a built-in policy with all that it extends."""
    if name not in BUILTIN_POLICIES:
        raise PolicyError(
            f"no built-in policy {name!r}{nearest(name, BUILTIN_POLICIES)}; built-in are "
            f"{', '.join(BUILTIN_POLICIES)}, and the name of a file ends in {', '.join(SUFFIXES)}"
        )
    data = _parse_toml(_builtin_text(name), f"built-in policy {name}")
    if name == DEFAULT_POLICY:  # the root of all others
        return {**data, "extends": None}
    return resolve(data, None, ())


def resolve(data: Mapping[str, object], folder: Path | None, chain: tuple[Path, ...]) -> dict[str, object]:
    """Merge policy data over what it extends: "balanced" unless it says otherwise, nothing if it says None.

    Args:
        data: the keys of a policy file.
        folder: what relative paths start from; None if the data is from no file, and so may name no files.
        chain: the files that led here, to notice a circle.
    """
    data = {**data, "rule_packs": _read_packs(data["rule_packs"], folder)} if "rule_packs" in data else dict(data)
    extends = data.pop("extends", DEFAULT_POLICY)
    if extends is None:
        return {**data, "extends": None}
    if not isinstance(extends, str):
        raise PolicyError(f"extends: expected the name of a policy or of a file, got {type(extends).__name__}")
    if not is_policy_file(extends):
        base = read_builtin(extends)
    elif folder is None:
        raise PolicyError(f"extends: {extends!r} is a file, and only a policy that is itself a file may name files")
    else:
        base = _read_file(folder / extends, chain)
    # They say what the base is, not what is made of it.
    del base["extends"]
    base.pop("name", None)
    base.pop("description", None)
    return {**_merge(base, data), "extends": None}


def _read_file(path: Path, chain: tuple[Path, ...]) -> dict[str, object]:
    real = path.resolve()
    if real in chain:
        raise PolicyError(f"extends: a circle of policies: {' → '.join(step.name for step in (*chain, real))}")
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise PolicyError(f"policy {path}: the name of a policy file ends in {', '.join(SUFFIXES)}")
    text = _read_text(path, "policy")
    data = _parse_toml(text, f"policy {path}") if suffix == ".toml" else _parse_yaml(text, f"policy {path}")
    data.setdefault("name", path.stem)
    return resolve(data, path.parent, (*chain, real))


def _read_text(path: Path, what: str) -> str:
    try:
        return path.read_text("utf-8")
    except OSError as error:
        raise PolicyError(f"{what} {path}: can't be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise PolicyError(f"{what} {path}: not UTF-8 at byte {error.start}") from None


def _parse_toml(text: str, where: str) -> dict[str, object]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PolicyError(f"{where}: not TOML: {error}") from None


def _parse_yaml(text: str, where: str) -> dict[str, object]:
    from promptward._yaml import YAMLError, load_yaml  # noqa: PLC0415 - PyYAML takes a while to import

    try:
        data = load_yaml(text)
    except YAMLError as error:
        raise PolicyError(f"{where}: not YAML: {' '.join(str(error).split())}") from None
    if data is None:
        return {}
    if not _is_table(data):
        raise PolicyError(f"{where}: expected keys and values, got {type(data).__name__}")
    return data


def _read_packs(packs: object, folder: Path | None) -> object:
    if not isinstance(packs, (list, tuple)):
        return packs  # for the validation to refuse
    return [_read_pack(pack, folder) if isinstance(pack, str) else pack for pack in packs]


def _read_pack(name: str, folder: Path | None) -> dict[str, str]:
    if folder is None:
        raise PolicyError(
            f"rule_packs: {name!r} is a file, and only a policy that is itself a file may name files; give the pack as "
            '{"name": …, "text": …}'
        )
    path = folder / name
    return {"name": path.name, "text": _read_text(path, "rule pack")}


def _merge(base: dict[str, object], over: Mapping[str, object]) -> dict[str, object]:
    """Tables are merged and lists are joined, so that a policy can't lose rules of its base; the rest is replaced."""
    merged = dict(base)
    for key, value in over.items():
        old = merged.get(key)
        if _is_table(old) and _is_table(value):
            merged[key] = _merge(old, value)
        elif isinstance(old, (list, tuple)) and isinstance(value, (list, tuple)):
            merged[key] = [*old, *(item for item in value if item not in old)]
        else:
            merged[key] = value
    return merged


def _is_table(value: object) -> TypeGuard[dict[str, object]]:
    return isinstance(value, dict) and all(isinstance(key, str) for key in value)


@lru_cache(maxsize=len(BUILTIN_POLICIES))
def _builtin_text(name: str) -> str:
    return files("promptward").joinpath("policies").joinpath(f"{name}.toml").read_text("utf-8")
