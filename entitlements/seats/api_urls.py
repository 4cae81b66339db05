from django.urls import path

from entitlements.seats import api

app_name = "seats-api"

# An id may hold slashes.
_OF_MEMBER = "api/v1/members/<path:external_id>/seats"

urlpatterns = [
    path(f"{_OF_MEMBER}/<int:seat_id>", api.seat, name="seat"),
    path(_OF_MEMBER, api.seats, name="seats"),
]
