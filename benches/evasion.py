"""Share of attacks still found under each disguise and encoding, and of harmless texts that stay unblocked, as a Markdown table.

`python benches/evasion.py` takes the attacks from the rules' own examples; `python benches/evasion.py DIR…` from labelled JSONL
(see quality.py). Only attacks that are found in the clear count, at most `--sample` of them, chosen with a fixed seed.
A finding counts if it is of prompt injection, jailbreak or exfiltration: that a text is oddly written is not enough.
"""

from __future__ import annotations

import argparse
import pathlib
import random
import sys

import quality
import transforms
from promptward import Action, Firewall

CONTENT = {"prompt_injection", "jailbreak", "exfiltration"}
MAX_CHARS = 600


def found(wall: Firewall, text: str) -> bool:
    """Return whether a finding says what the text is, not how it is written."""
    return any(f.detector in CONTENT and Action(f.action) > Action.ALLOW for f in wall.check(text).findings)


def in_the_clear(wall: Firewall, text: str) -> bool:
    """Return whether it is found as it stands: what is in disguise already says nothing about one more disguise."""
    return any(
        f.detector in CONTENT and f.view == "text" and Action(f.action) > Action.ALLOW
        for f in wall.check(text).findings
    )


def texts(wall: Firewall, folders: list[pathlib.Path]) -> tuple[list[str], list[str]]:
    """Return attacks and harmless texts."""
    if not folders:
        rules = [
            r for r in wall.rules if r.view == "text" and r.paranoia == 1 and "user" in r.sources and r.signal is None
        ]
        return [t for r in rules for t in r.match], [t for r in rules for t in r.no_match]
    rows = [
        (row["label"], row["text"])
        for _, row in quality.rows(folders)
        if row.get("kind", "direct") in ("direct", "chat")
    ]
    return [t for label, t in rows if label in quality.ATTACKS], [t for label, t in rows if label in quality.HARMLESS]


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="*", type=pathlib.Path)
    parser.add_argument("--sample", type=int, default=500)
    options = parser.parse_args()
    wall, rng = Firewall(), random.Random(20261123)
    attacks, harmless = texts(wall, options.folders)
    attacks = sorted({t for t in attacks if len(t) <= MAX_CHARS and in_the_clear(wall, t)})
    harmless = sorted({t for t in harmless if len(t) <= MAX_CHARS and wall.check(t).allowed})
    attacks = rng.sample(attacks, min(options.sample, len(attacks)))
    harmless = rng.sample(harmless, min(options.sample, len(harmless)))
    print(f"{len(attacks)} attacks found in the clear, {len(harmless)} harmless texts allowed in the clear.\n")
    print("| transform | attacks found | harmless texts not blocked |\n|---|---|---|")
    for name, transform in (transforms.DISGUISES | transforms.ENCODINGS).items():
        fits = [t for t in attacks if name not in transforms.LATIN_ONLY or t.isascii()]
        plain = [t for t in harmless if name not in transforms.LATIN_ONLY or t.isascii()]
        hits = sum(found(wall, transform(t, rng)) for t in fits)
        calm = sum(wall.check(transform(t, rng)).allowed for t in plain)
        smuggled = " (smuggling is the finding)" if name in transforms.SMUGGLING else ""
        print(f"| {name} | {quality.cell(hits, len(fits))} | {calm}/{len(plain)}{smuggled} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
