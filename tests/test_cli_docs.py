"""Runs every example of docs/cli.md and compares what it prints."""

from __future__ import annotations

import re
import shlex
from itertools import pairwise
from pathlib import Path

import pytest
from click.testing import CliRunner

from promptward.cli import COMMANDS, main

PAGE = Path(__file__).parents[1] / "docs" / "cli.md"
BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# Those that say so in the text around them.
EXIT_CODES = {
    "promptward check --file mail.txt": 1,
    "promptward check --messages --file chat.json": 1,
    "promptward scan --column prompt prompts.jsonl": 1,
    "promptward scan --fail-on redact --output sarif --out report.sarif docs": 1,
    "promptward policy validate typo.toml": 2,
}


def _examples() -> list[tuple[str, str]]:
    blocks = BLOCK.findall(PAGE.read_text("utf-8"))
    examples = []
    for block in blocks:
        starts = [match.start() for match in re.finditer(r"^\$ ", block, re.MULTILINE)]
        for start, end in pairwise([*starts, len(block)]):
            command, _, output = block[start + 2 : end].partition("\n")
            examples.append((command, output))
    return examples


EXAMPLES = _examples()
FILES = {command.removeprefix("cat "): text for command, text in EXAMPLES if command.startswith("cat ")}
RUNS = [(command, output) for command, output in EXAMPLES if not command.startswith("cat ")]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_each_command_has_an_example() -> None:
    shown = {shlex.split(command)[1] for command, _ in RUNS}
    assert shown == set(COMMANDS)
    assert all(command.startswith("promptward ") for command, _ in RUNS)
    assert set(EXIT_CODES) <= {command for command, _ in RUNS}


@pytest.mark.parametrize(("command", "output"), RUNS, ids=[command for command, _ in RUNS])
def test_example(command: str, output: str, folder: Path) -> None:
    result = CliRunner().invoke(main, shlex.split(command)[1:])
    assert result.exit_code == EXIT_CODES.get(command, 0), result.output
    pattern = ".*?".join(re.escape(piece) for piece in re.split(r"\n?…\n?", output.rstrip("\n")))
    if "--out " in command:
        return  # only its summary is printed
    assert re.match(pattern, result.output, re.DOTALL), result.output
