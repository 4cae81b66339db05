import pytest

from config.engine.registry import Registry


@pytest.fixture
def colours():
    registry = Registry[str]("colours")
    yield registry
    Registry.every.remove(registry)


def test_things_come_back_in_the_order_they_were_registered(colours):
    colours.register("rot", code="red")
    colours.register("blau", code="blue")
    assert colours.all() == ("rot", "blau")
    assert colours.items() == (("red", "rot"), ("blue", "blau"))
    assert colours.get("blue") == "blau"
    assert colours.get("green") is None
    assert "red" in colours
    assert len(colours) == 2


def test_a_code_is_registered_once(colours):
    colours.register("rot", code="red")
    colours.register("rot", code="red")
    with pytest.raises(ValueError, match="red is registered already"):
        colours.register("rouge", code="red")


def test_a_thing_that_carries_its_code_needs_none_beside():
    registry = Registry[str]("words", code_of=lambda word: word[:1])
    Registry.every.remove(registry)
    registry.register("amber")
    assert registry.get("a") == "amber"
    with pytest.raises(ValueError, match="needs a code"):
        registry.register("")
