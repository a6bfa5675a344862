"""Latency of `check()` and throughput of the engine, as Markdown tables.

`python benches/throughput.py`. Texts come from this repository: the licence as English prose, the Rust sources as code, the published
schemas as JSON, the harmless examples of the Chinese, Japanese and Korean rules as CJK; hostile ones are made here. Every text is distinct, because
CPython keeps a string's UTF-8 once it was asked for. Each figure is the median of the runs; nothing is asserted on times.
"""

from __future__ import annotations

import os
import pathlib
import platform
import statistics
import subprocess
import sys
import time

from promptward import Firewall

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROMPTS = [
    "Could you help me plan a weekend in Lisbon for two people who like food markets and old trams? We arrive on Friday evening.",
    "Write a polite e-mail to my landlord asking when the heating in the kitchen will be repaired, and keep it under 120 words.",
    "Summarise the difference between a list and a tuple in Python for a beginner, with one short example of each, please.",
]


def percentile(values: list[float], share: float) -> float:
    """Return the value below which this share lies (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def corpus() -> dict[str, str]:
    """Return one long text a kind."""
    rules = Firewall().rules
    east_asian = [text for rule in rules if {"zh", "ja", "ko"} & set(rule.languages) for text in rule.no_match]
    return {
        "English prose": " ".join((ROOT / "LICENSE").read_text(encoding="utf-8").split()),
        "code": "\n".join(p.read_text(encoding="utf-8") for p in sorted((ROOT / "rust/core/src").glob("*.rs"))),
        "JSON": "\n".join(
            p.read_text(encoding="utf-8") for p in sorted((ROOT / "python/promptward/schemas").glob("*.json"))
        ),
        "CJK": "".join(east_asian),
        "hostile: the rules' words in no order": "instructions previous ignore prompt system reveal all your rules forget the assistant ",
        "hostile: brackets": "[" * 997,
        "hostile: percent signs": "%4" * 499,
        "hostile: letters apart": "a b c d e f g h i j k l m n o p ",
        "hostile: base64 without sense": "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo0NTY3ODkw/+",
    }


def sized(text: str, size: int, salt: int) -> str:
    """Return the text repeated or cut to so many characters, with a few that make it distinct."""
    return (f"{salt:x} " + text * (size // len(text) + 1))[:size]


def main() -> int:
    """Print the tables."""
    wall = Firewall()
    for text in PROMPTS * 50:
        wall.check(text)
    times = []
    for number in range(4000):
        text = f"{PROMPTS[number % 3]} ({number})".ljust(200, ".")[:200].replace("...", " it")
        start = time.perf_counter_ns()
        wall.check(text)
        times.append((time.perf_counter_ns() - start) / 1000)
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, commit {commit.stdout.strip()}\n"
    )
    print("| `check()` of a 200-character harmless prompt | µs |\n|---|---|")
    for name, share in (("p50", 0.5), ("p90", 0.9), ("p99", 0.99)):
        print(f"| {name} | {percentile(times, share):.0f} |")
    sizes = [1 << 10, 8 << 10, 64 << 10, 1 << 20]
    print("\n| text | " + " | ".join(f"{size >> 10} kB" for size in sizes) + " |\n|---|" + "---|" * len(sizes))
    for name, text in corpus().items():
        cells = []
        for size in sizes:
            runs = []
            for salt in range(7 if size < 1 << 20 else 3):
                sample = sized(text, size, salt)
                begin = time.perf_counter()
                wall.check(sample)
                runs.append(len(sample.encode()) / (time.perf_counter() - begin) / 1e6)
            cells.append(f"{statistics.median(runs):.1f}")
        print(f"| {name}, MB/s | " + " | ".join(cells) + " |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
