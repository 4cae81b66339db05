from django.urls import path

from entitlements.seats.console import views

app_name = "seats"

urlpatterns = [
    path("seats/", views.index, name="index"),
    path("seats/stuck/", views.stuck, name="stuck"),
    path("seats/<int:seat_id>/end/", views.end, name="end"),
    path("seats/plans/<int:plan_id>/", views.plan, name="plan"),
    path("members/<int:member_id>/seats/", views.owner, name="owner"),
    path("members/<int:member_id>/seats/give/", views.give, name="give"),
]
