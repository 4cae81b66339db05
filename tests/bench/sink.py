"""A raw SMTP sink in a process of its own: says 250 to everything and keeps nothing, so that the sender is measured."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager


class Dialogue(asyncio.Protocol):
    """One connection: commands by the line, a body until its dot."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport, self.buffer, self.in_body = transport, b"", False
        transport.write(b"220 sink\r\n")

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while True:
            end = self.buffer.find(b"\r\n.\r\n" if self.in_body else b"\r\n")
            if end < 0:
                return
            if self.in_body:
                self.buffer, self.in_body = self.buffer[end + 5 :], False
                self.transport.write(b"250 2.0.0 kept nothing\r\n")
                continue
            command, self.buffer = self.buffer[:end].upper(), self.buffer[end + 2 :]
            if command.startswith(b"DATA"):
                self.in_body = True
                self.transport.write(b"354 go on\r\n")
            elif command.startswith(b"QUIT"):
                self.transport.write(b"221 bye\r\n")
                self.transport.close()
                return
            elif command.startswith(b"EHLO"):
                self.transport.write(b"250-sink\r\n250 PIPELINING\r\n")
            else:
                self.transport.write(b"250 ok\r\n")


async def serve() -> None:
    server = await asyncio.get_running_loop().create_server(Dialogue, "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


@contextmanager
def running() -> Iterator[str]:
    """A sink for the block; gives its address as EMAIL_URL."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.sink"], stdout=subprocess.PIPE, text=True, env=os.environ
    )
    try:
        assert process.stdout is not None
        yield f"smtp://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


if __name__ == "__main__":
    asyncio.run(serve())
