from importlib.util import find_spec

from django.contrib import admin
from django.contrib.auth import views as auth_views
from django.urls import URLResolver, include, path
from django.views.generic import RedirectView
from django.views.i18n import set_language

from config.staff.access import public, signed_in
from config.views import health


def _when_built(route: str, module: str) -> list[URLResolver]:
    """Pages that are still being built join in once their module is there."""
    return [path(route, include(module))] if find_spec(module) else []


urlpatterns = [
    # Programs ask most often, and pages are looked through one by one.
    *_when_built("", "members.ingest.api_urls"),
    *_when_built("", "entitlements.offers.api_urls"),
    *_when_built("", "entitlements.honours.api_urls"),
    *_when_built("", "entitlements.usage.api_urls"),
    *_when_built("", "entitlements.seats.api_urls"),
    *_when_built("", "entitlements.codes.api_urls"),
    path("", public(RedirectView.as_view(pattern_name="console:home"))),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("login/", public(auth_views.LoginView.as_view()), name="login"),
    path("logout/", signed_in(auth_views.LogoutView.as_view()), name="logout"),
    path("language/", public(set_language), name="set_language"),
    path("console/", include("config.console_urls")),
    *_when_built("console/", "members.urls"),
    *_when_built("console/", "members.imports.urls"),
    *_when_built("console/", "members.exports.urls"),
    *_when_built("console/", "members.segments.urls"),
    *_when_built("console/", "members.tags.urls"),
    *_when_built("console/", "members.ingest.urls"),
    *_when_built("console/", "members.value.urls"),
    *_when_built("console/", "members.merging.urls"),
    *_when_built("console/", "entitlements.ladder.urls"),
    *_when_built("console/", "entitlements.tiers.urls"),
    *_when_built("console/", "entitlements.offers.urls"),
    *_when_built("console/", "entitlements.codes.urls"),
    *_when_built("console/", "entitlements.honours.urls"),
    *_when_built("console/", "entitlements.memory.urls"),
    *_when_built("console/", "entitlements.seats.urls"),
    *_when_built("console/", "entitlements.benefits.urls"),
    *_when_built("console/", "entitlements.checks.urls"),
    *_when_built("", "campaigns.urls"),
    path("admin/", admin.site.urls),
]
