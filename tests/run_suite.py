"""The whole suite in two passes: what must run alone, then what may share the machine.

``make test`` and ``make soak`` call it with DATABASE_URL and REDIS_URL set; arguments go on to pytest.
"""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NOTHING_COLLECTED = 5
PARALLEL_WORKERS = "2"


def run_pass(name: str, markers: str, *options: str) -> int:
    print(f"\n== {name}", flush=True)
    # The servers' runner exports the product's settings, which would win over those named in pyproject.toml.
    command = [sys.executable, "-m", "pytest", "--ds=tests.settings", "-m", markers, *options, *sys.argv[1:]]
    status = subprocess.run(command, cwd=ROOT, check=False).returncode
    # A part of the suite, chosen by arguments, may have nothing in one of the passes.
    return 0 if status == NOTHING_COLLECTED else status


def main() -> int:
    data = Path(os.environ.get("SAMPLE_DATA_DIR") or ROOT.parent / "shared" / "data")
    if os.environ.get("CI") and not data.is_dir():
        print(f"The sample data are missing: SAMPLE_DATA_DIR={data}")
        return 1
    if os.environ.get("MOC_SOAK"):
        return run_pass("long tests", "soak")
    alone = run_pass("alone", "serial and not soak")
    parallel = run_pass("in parallel", "not serial and not soak", "-n", PARALLEL_WORKERS)
    return alone or parallel


if __name__ == "__main__":
    sys.exit(main())
