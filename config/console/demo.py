"""Whether what the console shows is partly invented; every page says so then."""

from collections.abc import Callable

from django.core.cache import cache

from config.engine.registry import Registry

SECONDS_KEPT = 60

# Each says whether there is any invented data of its kind.
DEMO_DATA: Registry[Callable[[], bool]] = Registry("demo data")


def has_demo_data() -> bool:
    """Asked of the database once a minute."""
    return bool(cache.get_or_set("has-demo-data", lambda: any(found() for found in DEMO_DATA), SECONDS_KEPT))
