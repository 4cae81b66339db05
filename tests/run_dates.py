"""The whole suite once for each of the dates on which it must pass; ``make test-dates`` calls it like run_suite.py."""

import subprocess
import sys

from tests.dates import DATES, environment_on


def main() -> int:
    failed = []
    for name, at in DATES.items():
        print(f"\n==== {name}: {at.isoformat()}", flush=True)
        command = [sys.executable, "tests/run_suite.py", *sys.argv[1:]]
        if subprocess.run(command, env=environment_on(at), check=False).returncode:
            failed.append(name)
    print(f"\n==== {len(DATES) - len(failed)} of {len(DATES)} dates passed", *failed, sep="\nfailed on: ")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
