from django.urls import path

from entitlements.usage.api import ofrep, rest

app_name = "benefits-api"

# An id may hold slashes; a benefit's code may not.
_OF_MEMBER = "api/v1/members/<path:external_id>/benefits"

urlpatterns = [
    path(f"{_OF_MEMBER}/<slug:benefit_code>/consume", rest.consume, name="consume"),
    path(f"{_OF_MEMBER}/<slug:benefit_code>", rest.check, name="check"),
    path(_OF_MEMBER, rest.benefits, name="list"),
    path("api/v1/usage/<int:usage_id>/reverse", rest.reverse, name="reverse"),
    path("ofrep/v1/evaluate/flags", ofrep.evaluate_all, name="flags"),
    path("ofrep/v1/evaluate/flags/<path:flag>", ofrep.evaluate, name="flag"),
]
