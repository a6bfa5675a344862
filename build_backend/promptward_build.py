"""In-tree PEP 517 backend: hands the build to maturin.

A thin layer of our own, because the engine that is built depends on what the machine has: today it needs a Rust toolchain, and
says so in one sentence instead of letting maturin try to download one.
"""

from __future__ import annotations

import os
import shutil
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


os.environ.setdefault("MATURIN_NO_INSTALL_RUST", "1")
os.environ.setdefault("MATURIN_NO_MISSING_BUILD_BACKEND_WARNING", "1")


def _need_rust() -> None:
    if shutil.which("cargo") is None:
        sys.exit(
            "promptward: building from source needs a Rust toolchain (1.91 or newer) and found no `cargo` on PATH.\n"
            "hint: install Rust, or install a wheel for your platform"
        )


def get_requires_for_build_wheel(config_settings: Mapping[str, Any] | None = None) -> list[str]:
    """Nothing beyond `[build-system] requires`."""
    _need_rust()
    return []


get_requires_for_build_editable = get_requires_for_build_wheel


def get_requires_for_build_sdist(config_settings: Mapping[str, Any] | None = None) -> list[str]:
    """Nothing beyond `[build-system] requires`."""
    return []


def _maturin() -> Any:
    # Imported late: the environment above must be set first.
    import maturin  # noqa: PLC0415

    return maturin


def prepare_metadata_for_build_wheel(metadata_directory: str, config_settings: Mapping[str, Any] | None = None) -> str:
    """Write the metadata that the wheel will have."""
    return str(_maturin().prepare_metadata_for_build_wheel(metadata_directory, config_settings))


prepare_metadata_for_build_editable = prepare_metadata_for_build_wheel


def build_wheel(
    wheel_directory: str, config_settings: Mapping[str, Any] | None = None, metadata_directory: str | None = None
) -> str:
    """Build the wheel with the compiled core."""
    return str(_maturin().build_wheel(wheel_directory, config_settings, metadata_directory))


def build_editable(
    wheel_directory: str, config_settings: Mapping[str, Any] | None = None, metadata_directory: str | None = None
) -> str:
    """Build an editable wheel; the compiled core is put beside the sources."""
    return str(_maturin().build_editable(wheel_directory, config_settings, metadata_directory))


def build_sdist(sdist_directory: str, config_settings: Mapping[str, Any] | None = None) -> str:
    """Build the source distribution: crates, lock file, package and this backend."""
    return str(_maturin().build_sdist(sdist_directory, config_settings))
