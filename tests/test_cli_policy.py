from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from promptward import Policy
from promptward.cli import main
from promptward.cli._policy import flatten, to_toml

if TYPE_CHECKING:
    from pathlib import Path

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

RICH = """
name = "rich"
disabled_rules = ["invisible-run"]
[sources.user]
paranoia = 3
[[allow]]
phrase = "quoted \\"phrase\\" \\\\ \\u007f \\U0001F642"
expires = 2020-01-31
reason = "it is ours"
[[rules]]
id = "own-word"
title = "A word"
detector = "jailbreak"
category = "persona"
severity = "high"
paranoia = 1
patterns = ['\\bxyzzyplugh\\b']
near = { patterns = ['please'], within = 50 }
define = { "a.b" = "x" }
"""


@pytest.fixture
def rich(tmp_path: Path) -> Path:
    path = tmp_path / "rich.toml"
    path.write_text(RICH)
    return path


def policy(*args: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(main, ["policy", *args])
    return result.exit_code, result.stdout, result.stderr


def test_list() -> None:
    code, out, _ = policy("list")
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()] == ["balanced", "monitor", "permissive", "strict"]
    assert [item["name"] for item in json.loads(policy("list", "--json")[1])] == [
        "balanced",
        "monitor",
        "permissive",
        "strict",
    ]


@pytest.mark.parametrize("name", ["balanced", "monitor", "permissive", "strict", "rich"])
def test_what_show_prints_is_an_equal_policy(name: str, rich: Path, tmp_path: Path) -> None:
    name = str(rich) if name == "rich" else name
    code, out, _ = policy("show", name)
    assert code == 0
    assert f"# digest {Policy.load(name).digest}" in out
    shown = tmp_path / "shown.toml"
    shown.write_text(out, "utf-8")
    assert Policy.load(shown) == Policy.load(name)
    data = json.loads(policy("show", "--json", name)[1])
    assert data.pop("digest") == Policy.load(name).digest
    assert Policy.from_dict(data) == Policy.load(name)


def test_show_of_a_rule_pack(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text('title = "Own"\n')
    (tmp_path / "p.yaml").write_text("rule_packs: [own.toml]\n")
    _, out, _ = policy("show", str(tmp_path / "p.yaml"))
    assert tomllib.loads(out)["rule_packs"] == [{"name": "own.toml", "text": 'title = "Own"\n'}]


def test_toml_of_odd_keys() -> None:
    data = {"a b": 1, "t": {"x": [1, "é\x7f"], "u": {"y": True}}, "l": [{"k": {"z": 1.5}}], "e": []}
    assert tomllib.loads("\n".join(to_toml(data))) == data


def test_show_of_what_is_not_there() -> None:
    code, out, err = policy("show", "balance")
    assert (code, out) == (2, "")
    assert "did you mean 'balanced'?" in err


def test_validate(rich: Path) -> None:
    code, out, err = policy("validate", str(rich))
    assert (code, out) == (0, f"{rich}: valid, digest {Policy.load(rich).digest}\n")
    assert err == "warning: allow[0] has expired on 2020-01-31 and has no effect: it is ours\n"
    data = json.loads(policy("validate", "--json", str(rich))[1])
    assert data["valid"] is True
    assert len(data["warnings"]) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[sources.user]\nparanoja = 2", "sources.user: unknown key 'paranoja'; did you mean 'paranoia'?"),
        ("[sources.user]\nparanoia = 9", "sources.user.paranoia:"),
        ("disabled_rules = ['invisible-rum']", "did you mean 'invisible-run'?"),
        (RICH.replace("\\bx", "(x"), "own-word"),
        ("a = [", "not TOML"),
        ("extends = 'none.toml'", "none.toml"),
    ],
)
def test_validate_of_bad_policies(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(text)
    code, out, err = policy("validate", str(path))
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert message in err
    code, out, _ = policy("validate", "--json", str(path))
    assert code == 2
    assert json.loads(out)["valid"] is False
    assert message in json.loads(out)["errors"][0]


def test_diff(rich: Path) -> None:
    code, out, err = policy("diff", "balanced", str(rich))
    assert code == 0
    lines = out.splitlines()
    assert "~ sources.user.paranoia: 1 → 3" in lines
    assert '+ disabled_rules["invisible-run"] = true'.replace('"', '\\"') in lines or (
        '+ disabled_rules["invisible-run"] = true' in lines
    )
    assert '+ rules[own-word].severity = "high"' in lines
    assert err == f"{len(lines)} differences\n"
    back = policy("diff", str(rich), "balanced")[1]
    assert '- rules[own-word].severity = "high"' in back.splitlines()


def test_diff_exit_code() -> None:
    assert policy("diff", "--exit-code", "balanced", "strict")[0] == 1
    assert policy("diff", "--exit-code", "balanced", "balanced") == (0, "", "0 differences\n")


def test_diff_json() -> None:
    changes = {item["path"]: item for item in json.loads(policy("diff", "--json", "balanced", "strict")[1])}
    assert changes["unread_parts"] == {"path": "unread_parts", "old": "flag", "new": "review"}


def test_flatten() -> None:
    assert flatten({"a": {"b": 1, "c.d": "x"}, "l": [{"id": "r", "v": 1}, {"v": 2}, "s"]}) == {
        "a.b": "1",
        'a."c.d"': '"x"',
        "l[r].id": '"r"',
        "l[r].v": "1",
        'l[{"v": 2}]': "true",
        'l["s"]': "true",
    }


def test_schema() -> None:
    assert policy("schema")[1] == CliRunner().invoke(main, ["schema", "policy"]).stdout
