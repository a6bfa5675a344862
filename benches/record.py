"""Writes what benchmarks measured, with machine, engine and commit, to `benches/results/*.json`.

`python benches/record.py speed.json` reads a file of `pytest --benchmark-json`; with
`--criterion target/criterion` it adds what `cargo bench` has left there.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

from promptward import Firewall

RESULTS = Path(__file__).parent / "results"


def python_results(path: Path) -> list[dict[str, Any]]:
    """Seconds and bytes of each benchmark of a pytest-benchmark file."""
    data = json.loads(path.read_text("utf-8"))
    return [
        {
            "name": f"{bench['name']}",
            "bytes": bench["extra_info"].get("bytes"),
            "rounds": bench["stats"]["rounds"],
            "min_s": bench["stats"]["min"],
            "median_s": bench["stats"]["median"],
            "iqr_s": bench["stats"]["iqr"],
        }
        for bench in data["benchmarks"]
    ]


def criterion_results(folder: Path) -> list[dict[str, Any]]:
    """Seconds and bytes of each benchmark below criterion's folder."""
    results = []
    for path in sorted(folder.glob("**/new/estimates.json")):
        about = json.loads(path.with_name("benchmark.json").read_text("utf-8"))
        median = json.loads(path.read_text("utf-8"))["median"]
        interval = median["confidence_interval"]
        results.append(
            {
                "name": about["full_id"],
                "bytes": (about.get("throughput") or {}).get("Bytes"),
                "median_s": median["point_estimate"] / 1e9,
                "median_s_95": [interval["lower_bound"] / 1e9, interval["upper_bound"] / 1e9],
            }
        )
    return results


def processor() -> str:
    """The name of the processor, as far as the system tells it."""
    path = Path("/proc/cpuinfo")
    if path.exists():
        for line in path.read_text("utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def git(*arguments: str) -> str:
    """What git says, without the line break."""
    command = ["git", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parent)
    return done.stdout.strip()


def main() -> int:
    """Write one file and print its name."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("speed", type=Path, help="file of pytest --benchmark-json")
    parser.add_argument("--criterion", type=Path, help="criterion's folder, usually target/criterion")
    options = parser.parse_args()
    now = dt.datetime.now(dt.timezone.utc)
    commit = git("rev-parse", "HEAD")
    record = {
        "time": now.isoformat(timespec="seconds"),
        "commit": commit,
        "changed_files": bool(git("status", "--porcelain", "--untracked-files=no")),
        "machine": {
            "processor": processor(),
            "cores": os.cpu_count(),
            "system": platform.system(),
            "architecture": platform.machine(),
            "python": platform.python_version(),
        },
        "engine": Firewall().info(),
        "python": python_results(options.speed),
        "rust": criterion_results(options.criterion) if options.criterion else [],
    }
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{now:%Y%m%d-%H%M%S}-{commit[:8]}.json"
    path.write_text(json.dumps(record, indent=1) + "\n", "utf-8")
    print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
