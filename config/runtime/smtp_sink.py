"""A local SMTP server that delivers nothing: every accepted mail becomes one .eml file in a folder.

``python -m config.runtime.smtp_sink --dir FOLDER --fd N`` serves on an inherited listening socket.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import socket
import time
from pathlib import Path
from uuid import uuid4

from aiosmtpd.smtp import SMTP, Envelope, Session

MAX_MESSAGE_BYTES = 32 * 1024**2


class FolderHandler:
    """Stores a mail before it is accepted: what the sender was told 250 for is on disk, whole."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        store(self.folder, envelope.mail_from or "", list(envelope.rcpt_tos), bytes(envelope.original_content or b""))
        return "250 2.0.0 stored"


def store(folder: Path, sender: str, recipients: list[str], content: bytes) -> Path:
    """Writes one delivery as a file of its own, its envelope in X-Envelope headers; names sort by time."""
    name = f"{time.time_ns()}-{uuid4().hex[:8]}"
    head = f"X-Envelope-From: {sender}\r\n" + "".join(f"X-Envelope-To: {to}\r\n" for to in recipients)
    partial = folder / f".{name}.partial"
    partial.write_bytes(head.encode("utf-8", "surrogateescape") + content)
    final = folder / f"{name}.eml"
    partial.rename(final)
    return final


async def serve(folder: Path, listener: socket.socket) -> None:
    """Serves until SIGTERM or SIGINT."""
    folder.mkdir(parents=True, exist_ok=True)
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)

    def protocol() -> SMTP:
        return SMTP(
            FolderHandler(folder),
            hostname="localhost",
            ident="local mail sink",
            enable_SMTPUTF8=True,
            data_size_limit=MAX_MESSAGE_BYTES,
            loop=loop,
        )

    server = await loop.create_server(protocol, sock=listener)
    await stopped.wait()
    server.close()


def main() -> None:
    parser = argparse.ArgumentParser(description="Local SMTP sink")
    parser.add_argument("--dir", type=Path, required=True)
    parser.add_argument("--fd", type=int, required=True)
    options = parser.parse_args()
    listener = socket.socket(fileno=options.fd)
    os.umask(0o077)
    asyncio.run(serve(options.dir, listener))


if __name__ == "__main__":
    main()
