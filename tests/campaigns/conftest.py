from collections.abc import Iterator
from pathlib import Path

import pytest

from campaigns.models import Channel
from campaigns.operations import email
from tests.faults.sink import Sink


@pytest.fixture(params=[True, False], ids=["pipelined", "one-by-one"])
def sink(request, tmp_path: Path, settings, db) -> Iterator[Sink]:
    """A mail server of the test's own; mail goes there and no kept connection leads elsewhere."""
    server = Sink(tmp_path / "sink", pipelines=request.param).start()
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
    Channel.objects.filter(code="email").update(timeout_seconds=1)
    email.forget_connection()
    yield server
    email.forget_connection()
    server.shutdown()
    server.server_close()
