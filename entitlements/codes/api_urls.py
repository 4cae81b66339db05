from django.urls import path

from entitlements.codes import api

app_name = "codes-api"

# An id may hold slashes.
_OF_MEMBER = "api/v1/members/<path:external_id>/partner-codes"

urlpatterns = [
    path(f"{_OF_MEMBER}/<slug:pool_code>", api.claim, name="claim"),
    path(_OF_MEMBER, api.partner_codes, name="of_member"),
]
