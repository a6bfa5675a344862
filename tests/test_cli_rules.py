from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from promptward import Firewall
from promptward._types import CATEGORIES
from promptward.cli import main
from promptward.cli._explain import CATEGORIES as EXPLAINED
from promptward.cli._explain import help_text, reference

if TYPE_CHECKING:
    from pathlib import Path

PACK = """
title = "Own"
[[rule]]
id = "own-word"
title = "A word that means harm"
detector = "prompt_injection"
category = "instruction_override"
severity = "low"
paranoia = 2
languages = ["en"]
refs = ["LLM01:2025", "CWE-1007"]
patterns = ['\\bxyzzyplugh\\b']
near = { patterns = ['please'], within = 50 }
not_near = { patterns = ['story'], within = 50 }
match = ["xyzzyplugh please"]
no_match = ["xyzzyplug please"]
"""


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    path = tmp_path / "own.toml"
    path.write_text(PACK)
    return path


@pytest.fixture
def policy(pack: Path, tmp_path: Path) -> str:
    path = tmp_path / "policy.yaml"
    path.write_text("rule_packs: [own.toml]\n")
    return str(path)


def rules(*args: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(main, ["rules", *args])
    return result.exit_code, result.stdout, result.stderr


def test_every_category_is_explained() -> None:
    assert set(EXPLAINED) == {category for names in CATEGORIES.values() for category in names}


def test_every_reference_of_the_built_in_rules_has_an_address() -> None:
    refs = {ref for rule in Firewall().rules for ref in rule.refs}
    assert [ref for ref in refs if not reference(ref)[1].startswith("https://")] == []
    assert reference("nothing") == ("", "")


def test_list_as_a_table() -> None:
    code, out, err = rules("list", "--detector", "obfuscation")
    assert code == 0
    assert out.startswith("rule ")
    assert "invisible-unicode-tags" in out
    assert "system_prompt_extraction" not in out
    assert err.endswith(" rules\n")


def test_filters(policy: str) -> None:
    def ids(*args: str) -> set[str]:
        code, out, _ = rules("list", "--json", "--policy", policy, *args)
        assert code == 0
        return {rule["id"] for rule in json.loads(out)}

    assert "own-word" in ids()
    assert "own-word" in ids("--language", "en", "--paranoia", "2", "--detector", "prompt_injection")
    assert "own-word" not in ids("--paranoia", "1")
    assert "own-word" not in ids("--language", "any")
    assert "own-word" not in ids("--detector", "jailbreak")
    assert ids("--language", "xx") == set()
    assert rules("list", "--language", "xx") == (0, "", "0 rules\n")


def test_show(policy: str) -> None:
    code, out, _ = rules("show", "own-word", "-p", policy)
    assert code == 0
    for line in (
        "own-word: A word that means harm",
        "prompt_injection/instruction_override, severity low, score 0.5, paranoia 2, from own.toml",
        EXPLAINED["instruction_override"],
        "xyzzyplugh please",
        "xyzzyplug please",
        "within 50 bytes, one of 1 context patterns matches",
        "harmless context",
        "https://cwe.mitre.org/data/definitions/1007.html",
    ):
        assert line in out


def test_show_json(policy: str) -> None:
    _, out, _ = rules("show", "own-word", "-p", policy, "--json")
    rule = json.loads(out)
    assert rule["near"] == {"patterns": ["please"], "within": 50}
    assert rule["sources"] == ["user", "document", "tool"]


def test_show_of_an_unknown_rule(policy: str) -> None:
    code, _, err = rules("show", "own-wrd", "-p", policy)
    assert code == 2
    assert err == "error: no rule 'own-wrd'; did you mean 'own-word'?\nhint: promptward rules list shows all\n"


def test_every_rule_can_be_shown() -> None:
    assert all(help_text(rule).startswith(rule.title) for rule in Firewall().rules)


def test_test_of_a_pack(pack: Path) -> None:
    assert rules("test", str(pack)) == (0, "1 rule, 2 examples, 0 failures\n", "")


def test_test_prints_failures(pack: Path) -> None:
    pack.write_text(PACK.replace('"xyzzyplugh please"', '"xyzzyplugh\\u001b"').replace('"xyzzyplug p', '"xyzzyplugh p'))
    code, out, _ = rules("test", str(pack))
    assert code == 1
    assert out.splitlines() == [
        "own.toml: own-word: match[0] is not found",
        "  xyzzyplugh\\u{1b}",
        "own.toml: own-word: no_match[0] is found",
        "  xyzzyplugh please",
        "1 rule, 2 examples, 2 failures",
    ]
    code, out, _ = rules("test", "--json", str(pack))
    assert code == 1
    assert [failure["kind"] for failure in json.loads(out)["failures"]] == ["match", "no_match"]


def test_test_of_hidden_rules(pack: Path) -> None:
    pack.write_text(PACK.replace("patterns = ['\\bx", 'view = "hidden"\npatterns = [\'\\bx'))
    code, out, _ = rules("test", str(pack))
    assert (code, out) == (0, "1 rule, 2 examples, 0 failures\n")


@pytest.mark.parametrize(
    "text", ["title = ", PACK.replace("\\\\b", "(").replace("plugh\\b", "*"), PACK + PACK.replace('title = "Own"', "")]
)
def test_test_of_a_pack_that_is_refused(pack: Path, text: str) -> None:
    pack.write_text(text)
    code, out, err = rules("test", str(pack))
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert "own" in err


def test_test_of_what_is_no_pack(tmp_path: Path) -> None:
    assert rules("test", str(tmp_path / "none.toml"))[0] == 2
    assert rules("test", str(tmp_path))[0] == 2
    (tmp_path / "bad.toml").write_bytes(b"title = '\xff'")
    code, _, err = rules("test", str(tmp_path / "bad.toml"))
    assert code == 2
    assert "at byte 9" in err


def test_test_of_the_built_in_packs_runs_all_examples() -> None:
    code, out, _ = rules("test", "--json")
    data = json.loads(out)
    assert data["rules"] == len(Firewall().rules)
    assert data["examples"] == sum(len(rule.match) + len(rule.no_match) for rule in Firewall().rules)
    assert code == (1 if data["failures"] else 0)
