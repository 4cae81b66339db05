from django.urls import path

from entitlements.codes.api import views

app_name = "codes-api"

# An id may hold slashes.
_OF_MEMBER = "api/v1/members/<path:external_id>/partner-codes"

urlpatterns = [
    path(f"{_OF_MEMBER}/<slug:pool_code>", views.claim, name="claim"),
    path(_OF_MEMBER, views.partner_codes, name="of_member"),
]
