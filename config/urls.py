from django.contrib import admin
from django.contrib.auth import views as auth_views
from django.urls import include, path
from django.views.generic import RedirectView
from django.views.i18n import set_language

from config.home.views import health
from config.staff.access import public, signed_in

urlpatterns = [
    # Programs ask most often, and pages are looked through one by one.
    path("", include("members.events.api.urls")),
    path("", include("entitlements.offers.api.urls")),
    path("", include("entitlements.honours.api.urls")),
    path("", include("entitlements.usage.api.urls")),
    path("", include("entitlements.seats.api.urls")),
    path("", include("entitlements.codes.api.urls")),
    path("", public(RedirectView.as_view(pattern_name="console:home"))),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("login/", public(auth_views.LoginView.as_view()), name="login"),
    path("logout/", signed_in(auth_views.LogoutView.as_view()), name="logout"),
    path("language/", public(set_language), name="set_language"),
    path("console/", include("config.home.urls")),
    path("console/", include("members.urls")),
    path("console/", include("members.imports.console.urls")),
    path("console/", include("members.exports.console.urls")),
    path("console/", include("members.segments.console.urls")),
    path("console/", include("members.tags.console.urls")),
    path("console/", include("members.events.console.urls")),
    path("console/", include("members.value.console.urls")),
    path("console/", include("members.merging.console.urls")),
    path("console/", include("entitlements.ladder.console.urls")),
    path("console/", include("entitlements.tiers.console.urls")),
    path("console/", include("entitlements.offers.console.urls")),
    path("console/", include("entitlements.codes.console.urls")),
    path("console/", include("entitlements.honours.console.urls")),
    path("console/", include("entitlements.memory.console.urls")),
    path("console/", include("entitlements.seats.console.urls")),
    path("console/", include("entitlements.urls")),
    path("console/", include("entitlements.checks.console.urls")),
    path("", include("campaigns.urls")),
    path("admin/", admin.site.urls),
]
