import pytest

from tests.entitlements.memory.scene import Scene


@pytest.fixture
def scene():
    return Scene()
