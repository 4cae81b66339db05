import os
import signal
import sys
from argparse import ArgumentParser
from contextlib import ExitStack
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from config.engine.clock import now
from tests.bench import catalogue, database, workers
from tests.bench.base import fill, fill_events
from tests.bench.measuring import Scene, to_json


class Command(BaseCommand):
    help = "Run benchmarks, each in a database of its own, and print one JSON object a line."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("names", nargs="*", help=f"all by default: {', '.join(catalogue.NAMES)}")
        parser.add_argument("--members", type=int, default=100_000)
        parser.add_argument(
            "--runs", type=int, default=3, help="interleaved runs of each side, at least 3 for a figure"
        )
        parser.add_argument("--base", help="a filled database of that many members to copy instead of making one")
        # What a process of the benchmark's own does; the environment names its database.
        parser.add_argument(
            "--inside",
            choices=["fill", "fill-events", "measure", *workers.KINDS],
            help="for the command's own processes",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        scene = Scene(options["members"], options["runs"])
        names = [name for name in options["names"] if name != "all"] or list(catalogue.NAMES)
        if unknown := set(names) - set(catalogue.NAMES):
            raise CommandError(
                f"no such benchmark: {', '.join(sorted(unknown))}; there are {', '.join(catalogue.NAMES)}"
            )
        match options["inside"]:
            case None:
                self._run_all(names, scene, options["base"])
            case "fill":
                fill(members=scene.members, at=now())
            case "fill-events":
                fill_events()
            case "measure":
                for printed in catalogue.measure(names, scene):
                    self._say(to_json(printed))
            case kind:
                workers.work(kind)

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()

    def _run_all(self, names: list[str], scene: Scene, base: str | None) -> None:
        # Without this a terminated run would leave its databases behind.
        signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
        prefix = f"bench_{os.getpid()}"
        with ExitStack() as stack:
            empty = stack.enter_context(database.own_database(f"{prefix}_empty"))
            self._manage("migrate", "--verbosity", "0", database_name=empty)
            events: str | None = None
            for group in catalogue.groups(names):
                if group.has_base and not base:
                    base = stack.enter_context(database.own_database(f"{prefix}_base", empty))
                    self._manage("bench", "--inside", "fill", "--members", str(scene.members), database_name=base)
                if group.has_events and not events:
                    events = stack.enter_context(database.own_database(f"{prefix}_events", base or empty))
                    self._manage("bench", "--inside", "fill-events", database_name=events)
                template = events if group.has_events else base if group.has_base else empty
                with database.own_database(prefix, template or empty) as own:
                    arguments = ["--members", str(scene.members), "--runs", str(scene.runs)]
                    self._manage("bench", *group.names, "--inside", "measure", *arguments, database_name=own)

    def _manage(self, *arguments: str, database_name: str) -> None:
        process = database.manage(*arguments, env=database.environment(database_name))
        try:
            status = process.wait()
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait()
        if status:
            raise CommandError(f"{' '.join(arguments[:2])} failed with status {status}")
