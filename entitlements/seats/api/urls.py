from django.urls import path

from entitlements.seats.api import views

app_name = "seats-api"

# An id may hold slashes.
_OF_MEMBER = "api/v1/members/<path:external_id>/seats"

urlpatterns = [
    path(f"{_OF_MEMBER}/<int:seat_id>", views.seat, name="seat"),
    path(_OF_MEMBER, views.seats, name="seats"),
]
