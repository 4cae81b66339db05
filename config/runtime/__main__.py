"""``python -m config.runtime run`` and ``python -m config.runtime exec -- COMMAND``; the Makefile calls both."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
from pathlib import Path

from config.runtime import clock
from config.runtime.postgres import EmbeddedPostgres
from config.runtime.processes import RuntimeFailure, die_with_parent
from config.runtime.run import Options, Run
from config.runtime.servers import ROOT, Servers, secret_key, var_dir


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m config.runtime")
    commands = parser.add_subparsers(required=True, dest="command")
    run = commands.add_parser("run", help="the whole system, until Ctrl-C")
    run.add_argument("--port", type=int, default=8000)
    run.add_argument("--empty", action="store_true", help="no demo members; a database of its own")
    run.add_argument("--clock", default="", help="ISO 8601: run on a clock that starts here, in a database of its own")
    run.add_argument("--die-with-parent", action="store_true", help="end when the calling process ends")
    execute = commands.add_parser("exec", help="one command with servers started for it, or reused")
    execute.add_argument("--var", type=Path, help="where the servers' data lie")
    execute.add_argument("argv", nargs=argparse.REMAINDER, metavar="-- COMMAND")
    commands.add_parser("clean", help="remove the embedded servers' data")
    options = parser.parse_args()
    try:
        if options.command == "run":
            if options.die_with_parent:
                die_with_parent(signal.SIGTERM, os.getppid())
            starts_at = clock.parse(options.clock) if options.clock else None
            return Run(Options(options.port, options.empty, starts_at)).run()
        if options.command == "clean":
            return clean()
        return execute_with_servers(options.argv[options.argv[:1] == ["--"] :], options.var)
    except (RuntimeFailure, OSError) as failure:
        print(f"\n{failure}", file=sys.stderr)
        return 1


def execute_with_servers(command: list[str], var: Path | None) -> int:
    """Runs ``command`` with DATABASE_URL and REDIS_URL of embedded servers; returns its exit status.

    Servers that already run in the folder are used and left running; those it starts end with the command.
    """
    if var is not None:
        os.environ["MOC_VAR_DIR"] = str((ROOT / var).absolute())
    folder = var_dir()
    # Ctrl-C goes to the command as well, which decides when it is done.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with Servers(folder, reuse=True) as servers:
        env = {
            **os.environ,
            "DATABASE_URL": servers.database_url(clock.DATABASE),
            "REDIS_URL": servers.redis_url(0),
            "SECRET_KEY": secret_key(folder),
            "MOC_VAR_DIR": str(folder),
        }
        if env.get("DJANGO_SETTINGS_MODULE") == "config.settings":
            # Set by importing config, not by the person: the command may have settings of its own, as pytest does.
            del env["DJANGO_SETTINGS_MODULE"]
        parent = os.getpid()

        def prepare() -> None:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            die_with_parent(signal.SIGTERM, parent)

        process = subprocess.Popen(command, env=env, cwd=ROOT, preexec_fn=prepare)
        signal.signal(signal.SIGTERM, lambda number, frame: process.terminate())
        status = process.wait()
        return status if status >= 0 else 128 - status


def clean() -> int:
    """Removes every embedded cluster under the var folder, also one that lies elsewhere. Refuses while one is used."""
    for lock in sorted(var_dir().rglob("postgres.lock")):
        server = EmbeddedPostgres(lock.with_suffix(""))
        server.claim()
        server.remove()
    return 0


if __name__ == "__main__":
    sys.exit(main())
