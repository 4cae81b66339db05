from django.urls import path

from entitlements.usage.console import views

urlpatterns = [
    path("benefits/usage/<int:usage_id>/reverse/", views.reverse_use, name="reverse"),
    path("members/<int:member_id>/benefits/", views.of_member, name="of-member"),
]
