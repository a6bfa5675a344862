from __future__ import annotations

import json
import os
import subprocess
import sys
import tracemalloc
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from promptward.cli import main
from promptward.cli._sarif import uri

if TYPE_CHECKING:
    from pathlib import Path

if sys.platform != "win32":
    import pty


@pytest.fixture
def policy(own_rules: list[dict[str, object]], tmp_path: Path) -> str:
    path = tmp_path / "own.yaml"
    path.write_text(json.dumps({"rules": own_rules}))
    return str(path)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "data").mkdir()
    monkeypatch.chdir(tmp_path / "data")
    return tmp_path / "data"


@pytest.fixture
def scan(policy: str, folder: Path) -> Any:
    def scan(*args: str) -> Any:
        return CliRunner().invoke(main, ["scan", "-p", policy, *args])

    return scan


def records(output: str) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    lines = [json.loads(line) for line in output.splitlines()]
    assert [line["type"] for line in lines].index("summary") == len(lines) - 1
    return lines[:-1], lines[-1]


def test_folder(scan: Any, folder: Path, attack: str, harmless: str) -> None:
    (folder / "sub" / ".git").mkdir(parents=True)
    (folder / "sub" / ".git" / "x").write_text(attack)
    (folder / "sub" / "b.md").write_text(f"one\n{attack}")
    (folder / "a.txt").write_text(harmless)
    (folder / "empty").write_text("")
    (folder / "image.png").write_bytes(b"\x89PNG\0\0")
    result = scan(".")
    assert result.exit_code == 0  # balanced cuts it out of documents
    assert result.stdout.startswith("REDACT  sub/b.md:2:14  own-prompt-injection  A word that means harm\n")
    assert "3 texts in 4 files: 2 allow, 1 redact" in result.stdout
    assert "not read: 1 binary" in result.stdout
    assert "1  own-prompt-injection" in result.stdout
    assert attack not in result.output


@pytest.mark.parametrize(
    ("args", "code"),
    [
        ((), 0),
        (("--fail-on", "redact"), 1),
        (("--fail-on", "flag"), 1),
        (("--fail-on", "review"), 0),
        (("--source", "user"), 1),
    ],
)
def test_fail_on_and_source(scan: Any, folder: Path, attack: str, args: tuple[str, ...], code: int) -> None:
    (folder / "a.txt").write_text(attack)
    assert scan("a.txt", *args).exit_code == code


def test_include_and_exclude(scan: Any, folder: Path, harmless: str) -> None:
    for name in ("a.md", "b.txt", "node_modules/c.md", "deep/er/d.md"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(harmless)

    def files(*args: str) -> set[str]:
        lines, _ = records(scan(".", "--json", "--all", *args).stdout)
        return {line["location"]["file"] for line in lines}

    assert files() == {"a.md", "b.txt", "node_modules/c.md", "deep/er/d.md"}
    assert files("--include", "*.md", "--exclude", "node_modules/") == {"a.md", "deep/er/d.md"}
    assert files("--include", "deep/*") == {"deep/er/d.md"}


def test_rows_of_jsonl(scan: Any, folder: Path, attack: str, harmless: str) -> None:
    rows = [
        {"prompt": harmless, "n": 1},
        {"prompt": attack},
        {"prompt": None},
        {"prompt": 3},
        {"messages": [{"role": "user", "content": attack}]},
        {"prompt": {"nested": attack}},
        {"other": 1},
        [attack],
        attack,
    ]
    lines = [json.dumps(row) for row in rows]
    text = "\n".join([*lines[:2], "", "{broken", '{"prompt": "a", "prompt": "b"}', *lines[2:]]) + "\n"
    (folder / "r.jsonl").write_bytes(text.encode() + b'{"prompt": "\xff"}\n' + b"[" * 100_000)
    result = scan("r.jsonl", "--json")
    assert result.exit_code == 1
    found, summary = records(result.stdout)
    places = [(line["type"], line["location"]["line"], line["location"].get("column")) for line in found]
    assert places == [
        ("result", 2, "prompt"),
        ("unread", 4, None),
        ("unread", 5, None),
        ("result", 8, "messages"),
        ("unread", 9, "prompt"),
        ("unread", 10, None),
        ("unread", 11, None),
        ("result", 12, None),
        ("unread", 13, None),
        ("unread", 14, None),
    ]
    assert summary["ok"] is True
    assert summary["texts"] == 4
    assert summary["empty"] == 2
    assert summary["unread"]["row"] == 7
    assert summary["actions"]["block"] == 3
    assert "warning: r.jsonl:4: not JSON: Expecting property name" in result.stderr
    assert attack not in result.output


def test_strict_stops_at_the_first_broken_row(scan: Any, folder: Path, attack: str) -> None:
    (folder / "r.jsonl").write_text('{"text": "a"}\n{broken\n')
    result = scan("r.jsonl", "--strict", "--out", "report")
    assert result.exit_code == 2
    assert "error: r.jsonl:2: not JSON" in result.stderr
    assert sorted(path.name for path in folder.iterdir()) == ["r.jsonl"]


def test_only_the_first_broken_rows_are_named(scan: Any, folder: Path) -> None:
    (folder / "r.jsonl").write_text('{"text": "a"}\n' + "{\n" * 30)
    result = scan("r.jsonl")
    assert result.exit_code == 0
    assert result.stderr.count("warning: r.jsonl:") == 10
    assert "warning: 20 more broken rows not shown" in result.stderr
    assert "not read: 30 broken rows" in result.stdout


@pytest.mark.parametrize("mark", [",", "\t"])
def test_rows_of_csv(scan: Any, folder: Path, attack: str, mark: str) -> None:
    name = "r.csv" if mark == "," else "r.tsv"
    attack = attack.replace(",", "")
    text = f'id,text\r\n1,hello\r\n\r\n2,"two\r\nlines {attack}"\r\n3,a,{attack}\r\n4\r\n5,\0\r\n'
    (folder / name).write_bytes(b"\xef\xbb\xbf" + text.replace(",", mark).encode() + b"6" + mark.encode() + b"\xff\r\n")
    found, summary = records(scan(name, "--json").stdout)
    assert [(line["type"], line["location"]["line"], line["location"]["row"]) for line in found[:3]] == [
        ("result", 4, 2),
        ("unread", 6, 3),
        ("result", 6, 3),
    ]
    assert found[-1]["location"] == {"file": name, "line": 9, "row": 6, "column": "text"}
    assert found[1]["reason"] == "3 cells, and the header has 2: checked as one text"
    assert summary["empty"] == 1


def test_csv_with_an_open_quote_is_bounded(scan: Any, folder: Path, attack: str) -> None:
    (folder / "r.csv").write_text('text\n"open\n' + f"{attack.replace(',', '')}\n" * 100)
    result = scan("r.csv", "--max-file-size", "1K")
    assert "broken row" in result.stdout
    assert "not CSV: field larger than field limit" in result.stderr
    assert result.exit_code == 1  # and the lines after it are read again


def test_parquet(scan: Any, folder: Path, attack: str, harmless: str) -> None:
    table = pa.table(
        {
            "id": [1, 2, 3],
            "text": [harmless, None, attack],
            "prompt": pa.array([attack, None, ""]).dictionary_encode(),
            "score": [0.5, None, 1.0],
        }
    )
    pq.write_table(table, folder / "r.parquet")
    result = scan("r.parquet", "--json")
    assert result.exit_code == 1
    found, summary = records(result.stdout)
    assert [(line["location"]["row"], line["location"]["column"]) for line in found] == [(1, "prompt"), (3, "text")]
    assert (summary["texts"], summary["empty"]) == (3, 3)
    found, _ = records(scan("r.parquet", "--json", "-c", "text").stdout)
    assert len(found) == 1


def test_columns_that_can_not_be_read(scan: Any, folder: Path) -> None:
    pq.write_table(pa.table({"id": [1], "name": ["a"], "score": [0.5]}), folder / "r.parquet")
    (folder / "r.csv").write_text("id,name\n1,a\n")
    (folder / "r.jsonl").write_text('{"id": 1, "name": "a"}\n')
    result = scan("r.parquet", "--column", "score")
    assert result.exit_code == 2
    assert "error: r.parquet, column score: not a column of text" in result.stderr
    for name, known in (("r.parquet", "name"), ("r.csv", "id, name"), ("r.jsonl", "id, name")):
        result = scan(name)
        assert result.exit_code == 2
        assert f"error: {name}: no column of a usual name; there are: {known}\nhint: " in result.stderr
        result = scan(name, "-c", "nope")
        assert result.exit_code == 2
        assert f"error: {name}: no column nope; there are: {known}" in result.stderr
    (folder / "r.jsonl").write_text('{"a": "x"}\n{"a": "y"}\n')
    assert scan("r.jsonl", "-c", "a", "-c", "b").exit_code == 2


def test_tables_without_known_columns_in_a_folder_are_read_as_text(scan: Any, folder: Path, attack: str) -> None:
    (folder / "r.csv").write_text(f'id,name\n1,"{attack}"\n')
    (folder / "r.jsonl").write_text(json.dumps({"name": attack}) + "\n")
    result = scan(".", "--fail-on", "redact")
    assert result.exit_code == 1
    assert "2 texts in 2 files" in result.stdout


def test_parquet_that_is_none(scan: Any, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "r.parquet").write_bytes(b"PAR1 no PAR1")
    result = scan("r.parquet")
    assert result.exit_code == 2
    assert "error: r.parquet: not a Parquet file that can be read" in result.stderr
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    result = scan("r.parquet")
    assert result.exit_code == 2
    assert "hint: pip install 'promptward[parquet]'" in result.stderr


def test_missing_paths(scan: Any, folder: Path) -> None:
    result = scan("none")
    assert result.exit_code == 2
    assert "error: none: no such file or folder\nhint: " in result.stderr
    assert scan().exit_code == 2
    for name in ("none.jsonl", "x" * 300):
        assert scan(name).exit_code == 2


def test_files_that_are_not_text(scan: Any, folder: Path, attack: str) -> None:
    (folder / "a.txt").write_bytes(b"\xff" + attack.encode())
    result = scan("a.txt")
    assert result.exit_code == 2
    assert "error: a.txt: not utf-8 text at byte 0" in result.stderr
    # In a folder, a bad byte must not hide the rest.
    result = scan(".")
    assert result.exit_code == 0
    assert "REDACT  a.txt:1:" in result.stdout
    assert "warning: a.txt: not utf-8 text at byte 0" in result.stderr
    assert scan("a.txt", "--encoding", "latin-1", "--fail-on", "redact").exit_code == 1


def test_nul_bytes_in_a_named_file(scan: Any, folder: Path, attack: str) -> None:
    (folder / "a.txt").write_bytes(b"\0" + attack.encode())
    assert scan("a.txt", "--fail-on", "redact").exit_code == 1


def test_an_encoding_of_rows(scan: Any, folder: Path, attack: str) -> None:
    (folder / "r.csv").write_text(f'text\n"{attack}"\n', encoding="utf-16")
    assert scan("r.csv", "--encoding", "utf-16").exit_code == 1
    (folder / "bad.csv").write_bytes(b"\xff\xfet\0e\0x")
    result = scan("bad.csv", "--encoding", "utf-16")
    assert result.exit_code == 2
    assert "error: bad.csv: not utf-16 text" in result.stderr


def test_size_limits_get_the_action_of_the_policy(scan: Any, folder: Path, harmless: str) -> None:
    (folder / "big.txt").write_text("x" * 2000)
    (folder / "r.jsonl").write_text(json.dumps({"text": "y" * 2000}) + "\n" + json.dumps({"text": harmless}) + "\n")
    found, summary = records(scan("big.txt", "r.jsonl", "--max-file-size", "1KiB", "--json").stdout)
    assert [(line["kind"], line["action"]) for line in found] == [("too_large", "flag"), ("too_large", "block")]
    assert summary["actions"]["allow"] == 1
    assert scan("big.txt", "--max-file-size", "1K", "-p", "monitor").exit_code == 0
    for size in ("0", "-1", "x", "", "1.5M", "²"):
        assert scan("big.txt", "--max-file-size", size).exit_code == 2


def test_a_line_of_5_mb(scan: Any, folder: Path, attack: str) -> None:
    (folder / "r.jsonl").write_text(json.dumps({"text": "word " * 1_000_000 + attack}) + "\n")
    result = scan("r.jsonl")
    assert result.exit_code == 1
    assert "r.jsonl:1, column text  own-prompt-injection" in result.stdout


def test_memory_does_not_grow_with_the_rows(scan: Any, folder: Path, harmless: str) -> None:
    def peak(rows: int) -> int:
        (folder / "r.csv").write_text("text\n" + f"{harmless}\n" * rows)
        tracemalloc.start()
        try:
            assert scan("r.csv").exit_code == 0
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(10)
    assert peak(5000) < peak(100) + 500_000


def test_links_and_special_files(scan: Any, folder: Path, attack: str) -> None:
    (folder / "real").mkdir()
    (folder / "real" / "a.txt").write_text(attack)
    (folder / "loop").symlink_to(folder)
    (folder / "broken").symlink_to(folder / "nowhere")
    os.mkfifo(folder / "pipe")
    found, summary = records(scan(".", "--json").stdout)
    assert summary["unread"]["link"] == 3
    assert [line["location"]["file"] for line in found if line["type"] == "result"] == ["real/a.txt"]


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="needs a file that can't be read")
def test_a_file_that_can_not_be_read(scan: Any, folder: Path) -> None:
    (folder / "a.txt").write_text("a")
    (folder / "a.txt").chmod(0)
    assert scan(".").exit_code == 2


def test_out(scan: Any, folder: Path, attack: str) -> None:
    (folder / "a.txt").write_text(attack)
    result = scan("a.txt", "--out", "report", "--output", "jsonl")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "1 text in 1 file: 1 redact" in result.stderr
    records((folder / "report").read_text())
    result = scan("a.txt", "--out", "none/report")
    assert result.exit_code == 2
    assert "error: none/report: can't be written" in result.stderr


def test_sarif(scan: Any, folder: Path, attack: str) -> None:
    (folder / "ä b%.txt").write_text(f"é\n{attack}\n{attack}")
    (folder / "r.csv").write_text(f'text,n\n"{attack}",1\n"x",1,2\n')
    pq.write_table(pa.table({"text": [attack]}), folder / "r.parquet")
    result = scan("ä b%.txt", "r.csv", "r.parquet", str(folder / "r.csv"), "-o", "sarif")
    assert result.exit_code == 1
    log = json.loads(result.stdout)
    assert_sarif(log)
    run = log["runs"][0]
    first, second, row, packed, absolute = run["results"]
    assert first["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "%C3%A4%20b%25.txt"},
        "region": {
            "startLine": 2,
            "startColumn": 14,
            "endLine": 2,
            "endColumn": 25,
            "charOffset": 15,
            "charLength": 11,
        },
    }
    assert second["locations"][0]["physicalLocation"]["region"]["startLine"] == 3
    assert row["locations"][0]["physicalLocation"]["region"] == {"startLine": 2}
    assert row["locations"][0]["logicalLocations"] == [{"fullyQualifiedName": "row 1, column text"}]
    assert "region" not in packed["locations"][0]["physicalLocation"]
    assert absolute["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].startswith("file:///")
    (rule,) = run["tool"]["driver"]["rules"]
    assert rule["id"] == "own-prompt-injection"
    assert "LLM01:2025" in rule["properties"]["refs"]
    assert "OWASP" in rule["help"]["text"]
    assert [first["level"], row["level"]] == ["warning", "error"]
    assert len(run["invocations"][0]["toolExecutionNotifications"]) == 2
    assert attack not in result.stdout


def test_sarif_of_nothing_and_of_errors(scan: Any, folder: Path) -> None:
    (folder / "a.txt").write_text("hello")
    log = json.loads(scan("a.txt", "-o", "sarif").stdout)
    assert_sarif(log)
    assert log["runs"][0]["results"] == []
    assert log["runs"][0]["invocations"][0]["executionSuccessful"] is True
    (folder / "a.txt").write_bytes(b"\xff")
    log = json.loads(scan("a.txt", "-o", "sarif").stdout)
    assert_sarif(log)
    assert log["runs"][0]["invocations"][0]["executionSuccessful"] is False


def assert_sarif(log: dict[str, Any]) -> None:
    """What SARIF 2.1.0 demands of the properties that are used here (sections 3.13 to 3.58)."""
    assert set(log) == {"$schema", "version", "runs"}
    assert log["version"] == "2.1.0"
    for run in log["runs"]:
        assert set(run) == {"tool", "results", "columnKind", "invocations", "properties"}
        assert run["columnKind"] in ("utf16CodeUnits", "unicodeCodePoints")
        driver = run["tool"]["driver"]
        assert set(driver) == {"name", "version", "semanticVersion", "informationUri", "rules"}
        ids = [rule["id"] for rule in driver["rules"]]
        assert len(set(ids)) == len(ids)
        for rule in driver["rules"]:
            assert set(rule) <= {
                "id",
                "shortDescription",
                "fullDescription",
                "help",
                "helpUri",
                "defaultConfiguration",
                "properties",
            }
            assert all(rule[key]["text"] for key in ("shortDescription", "fullDescription", "help"))
            assert rule["defaultConfiguration"]["level"] in ("none", "note", "warning", "error")
            assert all(isinstance(tag, str) for tag in rule["properties"]["tags"])
        for invocation in run["invocations"]:
            assert set(invocation) == {"executionSuccessful", "toolExecutionNotifications"}
            for notification in invocation["toolExecutionNotifications"]:
                assert set(notification) <= {"level", "message", "locations"}
                assert_result_parts(notification)
        for result in run["results"]:
            assert set(result) == {"ruleId", "ruleIndex", "level", "message", "locations", "properties"}
            assert ids[result["ruleIndex"]] == result["ruleId"]
            assert_result_parts(result)


def assert_result_parts(result: dict[str, Any]) -> None:
    assert result["level"] in ("none", "note", "warning", "error")
    assert result["message"]["text"]
    for location in result["locations"]:
        assert set(location) <= {"physicalLocation", "logicalLocations"}
        physical = location["physicalLocation"]
        assert set(physical) <= {"artifactLocation", "region"}
        address = physical["artifactLocation"]["uri"]
        assert address.isascii()
        assert " " not in address
        region = physical.get("region", {"startLine": 1})
        assert all(isinstance(value, int) for value in region.values())
        assert all(region.get(key, 1) >= 1 for key in ("startLine", "startColumn", "endLine", "endColumn"))
        assert region.get("charOffset", 0) >= 0
        assert region.get("charLength", 0) >= 0
        assert (region["startLine"], region.get("startColumn", 1)) <= (
            region.get("endLine", region["startLine"]),
            region.get("endColumn", region.get("startColumn", 1)),
        )


def test_uri() -> None:
    assert uri("a/b c#d?.md") == "a/b%20c%23d%3F.md"
    assert uri("x:y") == "x%3Ay"
    assert uri("\udcff") == "%FF"


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_progress_is_shown_on_a_terminal_and_not_in_the_output(policy: str, folder: Path, attack: str) -> None:
    (folder / "a.txt").write_text(attack)
    main_end, terminal = pty.openpty()
    command = [sys.executable, "-W", "error", "-m", "promptward.cli", "scan", "-p", policy, "a.txt"]
    variables = {**os.environ, "TERM": "xterm"}
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=terminal, env=variables, check=True)
    os.close(terminal)
    assert b"scanning" in os.read(main_end, 100_000)
    os.close(main_end)
    assert done.stdout.startswith(b"REDACT  a.txt:1:14  own-prompt-injection")
    assert b"\x1b" not in done.stdout


def test_file_names_can_not_steer_the_terminal(scan: Any, folder: Path, attack: str) -> None:
    (folder / "a\x1b[31m.txt").write_text(attack)
    result = scan(".")
    assert "\x1b" not in result.output
    assert "a\\u{1b}[31m.txt:1:14" in result.stdout
