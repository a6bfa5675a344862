"""Write `python/promptward/data/grams.tsv`: how often four-byte sequences stand in ordinary text.

`python scripts/generate_grams.py FILE…` reads UTF-8 text files, folds them roughly as the engine does, and prints every sequence that
stands at least fifty times in a million bytes, with its rate per million. The engine uses the rates only to pick, among the literals
of a pattern, those that wake it least; a wrong rate costs time, never a finding.
"""

from __future__ import annotations

import collections
import pathlib
import sys


def main() -> None:
    """Print the table."""
    counts: collections.Counter[bytes] = collections.Counter()
    total = 0
    for name in sys.argv[1:]:
        text = " ".join(pathlib.Path(name).read_text(encoding="utf-8").lower().split())
        data = text.encode()
        total += len(data)
        counts.update(data[i : i + 4] for i in range(len(data) - 3))
    print("# four bytes (hexadecimal), times in a million bytes of ordinary text")
    for gram, count in sorted(counts.items()):
        rate = round(count * 1e6 / total)
        if rate >= 50:
            print(f"{gram.hex()}\t{rate}")


if __name__ == "__main__":
    main()
