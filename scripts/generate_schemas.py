"""Write the published JSON Schemas of policies and verdicts; with `--check`, only say whether they are current.

Usage: python scripts/generate_schemas.py [--check]
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from promptward import Policy, Verdict

FOLDER = Path(__file__).parents[1] / "python" / "promptward" / "schemas"
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schemas() -> dict[str, str]:
    """The text of each schema, by file name."""
    contents = {
        "policy.schema.json": Policy.model_json_schema(mode="validation"),
        "verdict.schema.json": Verdict.model_json_schema(mode="serialization"),
    }
    return {
        name: json.dumps({"$schema": DIALECT, **_plain(schema)}, indent=2, ensure_ascii=False) + "\n"
        for name, schema in contents.items()
    }


def _plain(schema: dict[str, object]) -> dict[str, object]:
    """Leave out what only some releases of pydantic write, and what says nothing: the files must not depend on them."""
    plain: dict[str, object] = {}
    for key, value in schema.items():
        if (key == "additionalProperties" and value is True) or (key == "enum" and "const" in schema):
            continue
        if isinstance(value, dict):
            plain[key] = _plain(value)
        elif isinstance(value, list):
            plain[key] = [_plain(item) if isinstance(item, dict) else item for item in value]
        else:
            plain[key] = value
    return plain


def stale() -> list[str]:
    """The names of the files that aren't what the code says."""
    return [
        name
        for name, text in schemas().items()
        if not (FOLDER / name).is_file() or (FOLDER / name).read_text("utf-8") != text
    ]


def main() -> int:
    """Write what is stale; exit 1 if `--check` finds anything."""
    names = stale()
    if "--check" in sys.argv[1:]:
        for name in names:
            print(f"{FOLDER / name} is stale: run python scripts/generate_schemas.py", file=sys.stderr)
        return 1 if names else 0
    for name in names:
        (FOLDER / name).write_text(schemas()[name], "utf-8")
        print(FOLDER / name)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
