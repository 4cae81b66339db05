from django.urls import path

from entitlements.memory.console import views

app_name = "memory"

urlpatterns = [
    path("memory/", views.rule, name="rule"),
    path("memory/edit/", views.edit, name="edit"),
    path("memory/snapshots/", views.snapshots, name="snapshots"),
    path("members/<int:member_id>/lock-renewal/", views.lock, name="lock"),
    path("renewal-locks/<int:lock_id>/release/", views.release, name="release"),
]
