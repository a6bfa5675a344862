"""Recall and false alarms of the rules on labelled texts, as a Markdown table.

`python benches/quality.py DIR…` reads `*.jsonl` and `*.jsonl.gz` below each folder: one object a line with `text`, `label`
(`injection`, `jailbreak`, `harmful_request`, `benign`, `benign_hard`) and optionally `kind` (`direct`, `chat`, `document`, `indirect`,
`tool_output`) and `lang`. A text counts as flagged if any finding's action is above allow. Intervals are Wilson's at 95 %.
"""

from __future__ import annotations

import argparse
import collections
import gzip
import json
import math
import pathlib
import sys
from typing import TYPE_CHECKING

from promptward import Action, Firewall, Policy

if TYPE_CHECKING:
    from collections.abc import Iterator

SOURCES = {"direct": "user", "chat": "user", "document": "document", "indirect": "document", "tool_output": "tool"}
ATTACKS = ("injection", "jailbreak")
HARMLESS = ("benign", "benign_hard")
# What rules are not for: the classifier's labels are shown apart.
OTHER = ("harmful_request",)


def rows(folders: list[pathlib.Path]) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield (set name, row) for every line below the folders."""
    for folder in folders:
        files = sorted(p for p in folder.rglob("*.jsonl*") if p.name.endswith((".jsonl", ".jsonl.gz")))
        for path in files:
            opener = gzip.open if path.suffix == ".gz" else open
            with opener(path, "rt", encoding="utf-8") as lines:
                name = path.name.removesuffix(".gz").removesuffix(".jsonl")
                for line in lines:
                    yield name, json.loads(line)


def firewall(paranoia: int) -> Firewall:
    """Return the balanced policy at one paranoia level for every source."""
    levels = {source: {"paranoia": paranoia} for source in ("user", "document", "tool", "assistant")}
    return Firewall(
        Policy.from_dict({"name": f"balanced, paranoia {paranoia}", "extends": "balanced", "sources": levels})
    )


def wilson(hits: int, total: int) -> tuple[float, float]:
    """Return Wilson's 95 % interval of a share (Wilson 1927)."""
    if not total:
        return 0.0, 1.0
    z, share = 1.96, hits / total
    centre = (share + z * z / (2 * total)) / (1 + z * z / total)
    half = z * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total)) / (1 + z * z / total)
    return max(0.0, centre - half), min(1.0, centre + half)


def cell(hits: int, total: int) -> str:
    """Return `hits/total share [interval]`."""
    low, high = wilson(hits, total)
    return f"{hits}/{total} {100 * hits / total:.2f} % [{100 * low:.1f}–{100 * high:.1f}]" if total else "–"


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="+", type=pathlib.Path)
    parser.add_argument(
        "--rules", action="store_true", help="also print the rules that flag harmless texts, with counts"
    )
    options = parser.parse_args()
    walls = {level: firewall(level) for level in (1, 2)}
    total: collections.Counter[tuple[str, str]] = collections.Counter()
    flagged: collections.Counter[tuple[str, str, int]] = collections.Counter()
    blamed: collections.Counter[tuple[int, str, str]] = collections.Counter()
    incomplete = 0
    for name, row in rows(options.folders):
        label, source = row["label"], SOURCES.get(row.get("kind", "direct"), "user")
        total[name, label] += 1
        for level, wall in walls.items():
            verdict = wall.check(row["text"], source=source)
            incomplete += not verdict.coverage.complete
            hits = [f for f in verdict.findings if Action(f.action) > Action.ALLOW]
            flagged[name, label, level] += bool(hits)
            if label in HARMLESS:
                blamed.update({(level, label, f.rule) for f in hits})
    print("| set | label | paranoia 1 | paranoia 2 |\n|---|---|---|---|")
    for labels, title in ((ATTACKS, "recall"), (HARMLESS, "false alarms"), (OTHER, "not what rules are for")):
        for (name, label), count in sorted(total.items()):
            if label in labels:
                print(
                    f"| {name} | {label} | {cell(flagged[name, label, 1], count)} | {cell(flagged[name, label, 2], count)} |"
                )
        for label in labels:
            count = sum(n for (_, known), n in total.items() if known == label)
            sums = [
                sum(n for (_, known, level), n in flagged.items() if (known, level) == (label, wanted))
                for wanted in (1, 2)
            ]
            if count:
                print(f"| **all, {title}** | {label} | **{cell(sums[0], count)}** | **{cell(sums[1], count)}** |")
    print(f"\nTexts not fully read: {incomplete}.")
    if options.rules:
        for (level, label, rule), count in blamed.most_common():
            print(f"paranoia {level} {label}: {rule} {count}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
