import pytest

from tests.members.segments.population import Crowd


@pytest.fixture
def crowd(db) -> Crowd:
    return Crowd(seed=7)


@pytest.fixture
def media(settings, tmp_path) -> None:
    """Files that are uploaded go with the test."""
    settings.MEDIA_ROOT = tmp_path / "media"
