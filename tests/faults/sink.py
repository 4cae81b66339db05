"""A mail server that misbehaves on order: refuses, stalls or hangs up at a stage, for addresses or for a while.

Runs in a thread for quick tests, or as a process of its own (``python -m tests.faults.sink DIR``) for those that kill.
Every accepted mail is one file, on disk before the answer goes out.
"""

import argparse
import socketserver
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from email.parser import BytesHeaderParser
from pathlib import Path
from uuid import uuid4


@dataclass
class Script:
    """What to do at each stage: ``stage`` → an answer like ``550 5.1.1 no``, ``stall``, ``drop``.

    Stages: ``banner``, ``mail``, ``rcpt``, ``data`` (the command), ``dot`` (after the whole message). ``for_address``
    limits it to recipients that begin with a word. ``times`` is how often it happens; None for ever.
    """

    at: dict[str, str] = field(default_factory=dict)
    for_address: str = ""
    times: int | None = None
    delay_seconds: float = 0.0
    # Say on standard output what is about to be done, before it is done.
    announces: bool = False
    # What RCPT answers to addresses that begin with a word, whatever else is scripted.
    rcpt_by: dict[str, str] = field(default_factory=dict)


class Sink(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, folder: Path, port: int = 0, *, pipelines: bool = True) -> None:
        self.folder = folder
        self.pipelines = pipelines
        folder.mkdir(parents=True, exist_ok=True)
        self.script = Script()
        self.lock = threading.Lock()
        self.seen: list[tuple[str, str]] = []
        super().__init__(("127.0.0.1", port), _Session)

    @property
    def port(self) -> int:
        return self.server_address[1]

    def start(self) -> "Sink":
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def action(self, stage: str, address: str) -> str:
        with self.lock:
            self.seen.append((stage, address))
            if stage == "rcpt":
                for word, answer in self.script.rcpt_by.items():
                    if address.startswith(word):
                        return answer
            action = self.script.at.get(stage, "")
            if not action or not address.startswith(self.script.for_address):
                return ""
            if self.script.times is not None:
                if self.script.times <= 0:
                    return ""
                self.script.times -= 1
            if self.script.announces:
                print(stage, flush=True)
            return action

    def store(self, address: str, mail: bytes) -> None:
        name = f"{time.time_ns()}-{uuid4().hex[:8]}"
        partial = self.folder / f".{name}"
        partial.write_bytes(f"X-Envelope-To: {address}\r\n".encode() + mail)
        partial.rename(self.folder / f"{name}.eml")

    def message_ids(self) -> list[str]:
        return message_ids(self.folder)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that was killed is no news here."""


def message_ids(folder: Path) -> list[str]:
    """The Message-ID of every stored mail."""
    parser = BytesHeaderParser()
    return [parser.parsebytes(path.read_bytes())["Message-ID"] for path in sorted(folder.glob("*.eml"))]


class _Hangup(Exception):
    pass


class _Session(socketserver.StreamRequestHandler):
    server: Sink
    disable_nagle_algorithm = True

    def say(self, line: str) -> None:
        self.wfile.write(line.encode() + b"\r\n")

    def answer(self, stage: str, address: str, usual: str) -> bool:
        """Answer as scripted; whether it was the usual answer."""
        if self.server.script.delay_seconds:
            time.sleep(self.server.script.delay_seconds)
        action = self.server.action(stage, address)
        if action == "stall":
            # Until the client gives up.
            self.connection.settimeout(60)
            with suppress(OSError):
                self.connection.recv(1)
            raise _Hangup
        if action == "drop":
            raise _Hangup
        self.say(action or usual)
        if action.startswith("421"):
            raise _Hangup
        return not action

    def handle(self) -> None:
        try:
            self.dialogue()
        except (_Hangup, OSError):
            return

    def dialogue(self) -> None:
        self.answer("banner", "", "220 sink")
        address = ""
        while line := self.rfile.readline():
            word = line[:4].upper()
            if word in (b"EHLO", b"HELO"):
                self.say("250-sink")
                if self.server.pipelines:
                    self.say("250-PIPELINING")
                self.say("250 8BITMIME")
            elif word == b"MAIL":
                self.answer("mail", "", "250 2.1.0 ok")
            elif word == b"RCPT":
                address = line.partition(b"<")[2].partition(b">")[0].decode()
                self.answer("rcpt", address, "250 2.1.5 ok")
            elif word == b"DATA":
                if self.answer("data", address, "354 go ahead"):
                    self.body(address)
            elif word == b"QUIT":
                self.say("221 bye")
                return
            else:
                self.say("250 ok")

    def body(self, address: str) -> None:
        lines = []
        while True:
            line = self.rfile.readline()
            if not line:
                raise _Hangup
            if line == b".\r\n":
                break
            lines.append(line)
        action = self.server.script.at.get("dot", "")
        # A refusal must not store; after a stall or a hang-up the mail is as good as accepted.
        if not action[:1].isdigit() or not address.startswith(self.server.script.for_address):
            self.server.store(address, b"".join(lines))
        self.answer("dot", address, "250 2.0.0 stored")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--at", nargs="*", default=[], help="stage=answer")
    parser.add_argument("--times", type=int)
    parser.add_argument("--delay", type=float, default=0.0)
    parser.add_argument("--announce", action="store_true")
    parser.add_argument("--rcpt-by", nargs="*", default=[], help="word=answer")
    options = parser.parse_args()
    sink = Sink(options.folder, options.port)
    sink.script = Script(
        at=dict(item.split("=", 1) for item in options.at),
        times=options.times,
        delay_seconds=options.delay,
        announces=options.announce,
        rcpt_by=dict(item.split("=", 1) for item in options.rcpt_by),
    )
    print(sink.port, flush=True)
    sink.serve_forever(poll_interval=0.05)


if __name__ == "__main__":
    main()
