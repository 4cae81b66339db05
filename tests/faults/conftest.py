import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.house import House


@pytest.fixture(scope="session")
def built_house() -> Iterator[House]:
    """Servers for the whole session; each test takes a database of its own."""
    place = Path(tempfile.mkdtemp(prefix="moc-faults-"))
    # The database server's account is another one.
    place.chmod(0o755)
    house = House(place)
    house.start()
    yield house
    house.stop()
    shutil.rmtree(place, ignore_errors=True)


@pytest.fixture
def house(built_house: House) -> Iterator[House]:
    yield built_house
    built_house.end_processes()
    built_house.benefits_add_up()
    built_house.sink_port = 0
