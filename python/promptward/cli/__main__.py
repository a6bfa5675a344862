"""`python -m promptward.cli`: the same as `promptward`."""

from __future__ import annotations

from promptward.cli import main

if __name__ == "__main__":
    main()
