"""What every page of the console needs around its own content."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import get_language, gettext

from config.console.demo import has_demo_data
from config.console.menu import menu_for
from config.engine import clock

THEMES = ("light", "dark")
DENSITIES = ("loose", "normal", "compact")


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
        "other_languages": [(code, name) for code, name in settings.LANGUAGES if code != get_language()],
        "demo_data": has_demo_data if signed_in else False,
        "clock_banner": clock.now() if settings.CLOCK_OFFSET_SECONDS else None,
        "data_as_of": clock.now(),
    }
