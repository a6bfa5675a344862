"""YAML without its traps: safe types only, and a key that is given twice is an error."""

from __future__ import annotations

from typing import TYPE_CHECKING

from yaml import SafeLoader, YAMLError, load
from yaml.constructor import ConstructorError

if TYPE_CHECKING:
    from collections.abc import Hashable

    from yaml import MappingNode

__all__ = ["YAMLError", "load_yaml"]


def load_yaml(text: str) -> object:
    """Parse one YAML document.

    Raises:
        YAMLError: not YAML, more than one document, or a key that is given twice.
    """
    data: object = load(text, Loader=_UniqueKeyLoader)  # noqa: S506 - a SafeLoader
    return data


class _UniqueKeyLoader(SafeLoader):
    # PyYAML lets the last of two equal keys win, against the standard (YAML 1.2.2, 3.2.1.1): a setting would be lost in
    # silence.
    def construct_mapping(self, node: MappingNode, deep: bool = False) -> dict[Hashable, object]:  # noqa: FBT001
        mapping: dict[Hashable, object] = super().construct_mapping(node, deep=deep)
        seen: set[Hashable] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                raise ConstructorError(
                    "while reading a mapping", node.start_mark, f"{key!r} is given twice", key_node.start_mark
                )
            seen.add(key)
        return mapping
