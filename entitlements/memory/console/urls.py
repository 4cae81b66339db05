from django.urls import path

from entitlements.memory.console import views
from entitlements.memory.console.pages import RULES

app_name = "memory"

urlpatterns = [
    *RULES.urls("memory/"),
    path("memory/snapshots/", views.snapshots, name="snapshots"),
    path("members/<int:member_id>/lock-renewal/", views.lock, name="lock"),
    path("renewal-locks/<int:lock_id>/release/", views.release, name="release"),
]
