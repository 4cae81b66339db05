import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that an unprivileged server account can reach, unlike pytest's own, with a space in its name."""
    folder = Path(tempfile.mkdtemp(prefix="moc runtime "))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)
