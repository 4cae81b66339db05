"""What every page of the console needs around its own content."""

from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest
from django.utils.translation import get_language, gettext

from config.engine import clock
from config.home.navigation import href_of, menu_for
from members.people.models import Member

DEMO_MARK_SECONDS = 60
THEMES = ("light", "dark")
DENSITIES = ("loose", "normal", "compact")


def _has_demo_data() -> bool:
    """Whether any member is invented; asked of the database once a minute."""
    demo = Member.objects.filter(is_demo=True)
    return bool(cache.get_or_set("has-demo-data", demo.exists, DEMO_MARK_SECONDS))


def console(request: HttpRequest) -> dict[str, Any]:
    """The shell's context. Callables run only when a full page asks for them, never for a swapped part."""
    theme = request.COOKIES.get("theme", "")
    density = request.COOKIES.get("density", "")
    user = getattr(request, "user", None)
    signed_in = user is not None and user.is_authenticated
    return {
        "brand": gettext(settings.PROJECT_NAME),
        "theme": theme if theme in THEMES else "light",
        "density": density if density in DENSITIES else "normal",
        "signed_in": signed_in,
        "nav": (lambda: menu_for(user, request.path)) if user is not None and user.is_authenticated else (),
        "search_url": href_of("console:search"),
        "language_url": href_of("set_language"),
        "other_languages": [(code, name) for code, name in settings.LANGUAGES if code != get_language()],
        "demo_data": _has_demo_data if signed_in else False,
        "clock_banner": clock.now() if settings.CLOCK_OFFSET_SECONDS else None,
        "data_as_of": clock.now(),
    }
