import pytest

from tests.members.segments.population import Crowd


@pytest.fixture
def crowd(db) -> Crowd:
    return Crowd(seed=7)
