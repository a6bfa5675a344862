from __future__ import annotations

import json
from importlib.resources import files
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING

import jsonschema
import pytest

from promptward import Firewall, Policy

if TYPE_CHECKING:
    from collections.abc import Callable

SCRIPT = Path(__file__).parents[1] / "scripts" / "generate_schemas.py"


def test_published_schemas_are_current() -> None:
    spec = spec_from_file_location("generate_schemas", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    script = module_from_spec(spec)
    spec.loader.exec_module(script)
    assert script.stale() == []


def test_verdicts_fit_their_schema(firewall: Firewall, attack: str) -> None:
    validate = _validator("verdict")
    validate(json.loads(firewall.check(attack).model_dump_json()))
    validate(json.loads(firewall.check([{"role": "user", "content": attack + "\ud800"}]).model_dump_json()))


def test_policies_fit_their_schema() -> None:
    validate = _validator("policy")
    for name in ("permissive", "balanced", "strict", "monitor"):
        validate(json.loads(Policy.builtin(name).model_dump_json()))
    validate({})
    validate({"extends": "strict", "sources": {"user": {"paranoia": 4}}, "rule_packs": ["own.toml"]})
    for bad in ({"surces": {}}, {"sources": {"user": {"on_error": "allow"}}}, {"allow": [{"rule": "x"}]}):
        with pytest.raises(jsonschema.ValidationError):
            validate(bad)


def _validator(name: str) -> Callable[[object], None]:
    text = files("promptward").joinpath("schemas").joinpath(f"{name}.schema.json").read_text("utf-8")
    schema = json.loads(text)
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema).validate
