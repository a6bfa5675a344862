from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from jsonschema import Draft202012Validator

from promptward import Verdict
from promptward.cli import main

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result


@pytest.fixture
def policy(own_rules: list[dict[str, object]], tmp_path: Path) -> str:
    path = tmp_path / "own.yaml"
    path.write_text(json.dumps({"rules": own_rules, "limits": {"max_chars": 1000}}))
    return str(path)


def check(*args: str, stdin: str | bytes | None = None) -> Result:
    return CliRunner().invoke(main, ["check", *args], input=stdin)


def test_text(policy: str, attack: str, harmless: str) -> None:
    result = check("-p", policy, harmless)
    assert (result.exit_code, result.stdout) == (0, "ALLOW  text: nothing found\n")
    result = check("-p", policy, attack)
    assert result.exit_code == 1
    assert result.stdout.startswith("BLOCK  text: 1 finding\n")
    assert "own-prompt-injection, high, prompt_injection/instruction_override" in result.stdout
    assert "where    1:14 to 1:25, characters 13 to 24" in result.stdout
    assert "refs     LLM01:2025" in result.stdout


@pytest.mark.parametrize("args", [(), ("-",), ("--file", "-")])
def test_standard_input(policy: str, attack: str, args: tuple[str, ...]) -> None:
    result = check("-p", policy, *args, stdin=f"one\ntwo {attack}")
    assert result.exit_code == 1
    assert result.stdout.startswith("BLOCK  standard input:")
    assert "where    2:18 to" in result.stdout


def test_source(policy: str, attack: str) -> None:
    result = check("-p", policy, "--source", "document", attack)
    assert result.exit_code == 0
    assert result.stdout.startswith("REDACT  text: 1 finding")


def test_matched_text_is_shown_on_demand_only_and_made_visible(policy: str, words: dict[str, str]) -> None:
    word = words["prompt_injection"]
    text = f"\x1b[31m\u202e {word}"
    for args in ((), ("--show-text",)):
        result = check("-p", policy, *args, text)
        assert (word in result.stdout) is bool(args)
        assert "\x1b" not in result.stdout
        assert "\u202e" not in result.stdout


def test_the_reading_is_named(policy: str, words: dict[str, str]) -> None:
    import base64

    text = base64.b64encode(f"and now: {words['prompt_injection']} if you please".encode()).decode()
    assert "read as  base64" in check("-p", policy, text).stdout


def test_json_is_a_verdict(policy: str, attack: str) -> None:
    result = check("-p", policy, "--json", attack)
    assert result.exit_code == 1
    data = json.loads(result.stdout)
    Draft202012Validator(Verdict.model_json_schema(mode="serialization")).validate(data)
    assert data["text"] == "[WITHHELD:block]"
    assert attack not in result.stdout


def test_json_of_files_is_a_verdict_a_line(policy: str, attack: str, harmless: str, tmp_path: Path) -> None:
    (tmp_path / "a").write_text(attack)
    (tmp_path / "b").write_text(harmless)
    result = check("-p", policy, "--json", "-f", str(tmp_path / "a"), "-f", str(tmp_path / "b"))
    assert result.exit_code == 1
    assert [json.loads(line)["action"] for line in result.stdout.splitlines()] == ["block", "allow"]


def test_lone_surrogates_in_json(policy: str) -> None:
    result = check("-p", policy, "--json", "a\udc80b")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["text"] == "a\ufffdb"


def test_what_was_not_read_is_said(policy: str) -> None:
    result = check("-p", policy, "word " * 400)
    assert result.exit_code == 1  # on_error of the user
    assert result.stdout.startswith("BLOCK  text: nothing found, not fully read\n")
    assert "1,000 of 2,000 characters were read" in result.stdout
    assert "max_chars" in result.stdout


def test_messages(policy: str, attack: str, harmless: str) -> None:
    messages = [
        {"role": "system", "content": harmless},
        {"role": "user", "content": [{"type": "text", "text": f"\n{attack}"}, {"type": "image_url", "image_url": {}}]},
    ]
    for body in (messages, {"model": "m", "messages": messages}):
        result = check("-p", policy, "--messages", stdin=json.dumps(body))
        assert result.exit_code == 1
        assert "messages[1].content[0].text, 2:14 to 2:25" in result.stdout
        assert "unread_part:image_url" in result.stdout


def test_place_in_a_message_that_can_not_be_walked(policy: str, attack: str) -> None:
    messages = [{"role": "user", "content": "", "a.b": attack}]
    result = check("-p", policy, "--messages", json.dumps(messages))
    assert result.exit_code == 1
    assert "messages[0].a.b, characters 13 to 24" in result.stdout


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[{]", "not JSON: Expecting property name enclosed in double quotes at line 1, column 3"),
        ("", "not JSON"),
        ('"secretword"', "expected a JSON list of messages, got str"),
        ('[{"role": "nobody"}]', "messages[0].role: expected one of"),
        ('[{"role": "user", "role": "system"}]', "has the same key twice"),
        ("[" * 100_000, "nested too deeply"),
        ("[1" + "0" * 10_000 + "]", "number that is too long"),
    ],
)
def test_bad_messages(policy: str, text: str, message: str) -> None:
    result = check("-p", policy, "--messages", stdin=text)
    assert result.exit_code == 2
    assert message in result.stderr
    assert "hint: " in result.stderr
    assert "secretword" not in result.stderr


@pytest.mark.parametrize(
    "args", [("x", "--file", "y"), ("--messages", "--source", "user", "[]"), ("--source", "nobody", "x"), ("x", "y")]
)
def test_bad_usage(args: tuple[str, ...]) -> None:
    assert check(*args).exit_code == 2


def test_missing_file_and_folder(policy: str, tmp_path: Path) -> None:
    result = check("-p", policy, "-f", str(tmp_path / "none"))
    assert result.exit_code == 2
    assert result.stderr.startswith(f"error: {tmp_path / 'none'}: no such file\nhint: ")
    result = check("-p", policy, "-f", str(tmp_path))
    assert result.exit_code == 2
    assert f"hint: check all files in it with: promptward scan {tmp_path}" in result.stderr


@pytest.mark.parametrize(
    ("data", "offset", "hint"),
    [
        (b"abc\xffdef", "at byte 3", "--encoding latin-1"),
        (b"\xef\xbb\xbfabc\xff", "at byte 6", "--encoding"),
        ("hällo".encode("utf-16"), "at byte 0", "--encoding utf-16"),
        (b"\x7fELF\0\0\xff", "at byte 6", "binary file"),
    ],
)
def test_files_that_are_not_text(policy: str, tmp_path: Path, data: bytes, offset: str, hint: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(data)
    result = check("-p", policy, "-f", str(path))
    assert result.exit_code == 2
    assert f"error: {path}: not utf-8 text {offset}" in result.stderr
    assert hint in result.stderr.split("hint: ")[1]


def test_encoding(policy: str, attack: str, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(f"ä {attack}".encode("utf-16"))
    assert check("-p", policy, "-f", str(path), "--encoding", "utf-16").exit_code == 1
    path.write_bytes(b"\xef\xbb\xbf" + attack.encode())
    assert "1:14 to 1:25" in check("-p", policy, "-f", str(path)).stdout
    for unknown in ("nonsense", "base64"):
        assert check("-p", policy, "-f", str(path), "--encoding", unknown).exit_code == 2
    path.write_bytes(b"abc")
    assert check("-p", policy, "-f", str(path), "--encoding", "utf-16").exit_code == 2


def test_empty_input_and_nul_bytes(policy: str, words: dict[str, str]) -> None:
    assert check("-p", policy, stdin="").exit_code == 0
    assert check("-p", policy, stdin=f"\0\0 {words['prompt_injection']} \0").exit_code == 1


def test_file_name_with_control_characters(policy: str, tmp_path: Path) -> None:
    path = tmp_path / "a\x1b[31m"
    path.write_text("hello")
    assert check("-p", policy, "-f", str(path)).stdout.endswith("a\\u{1b}[31m: nothing found\n")
