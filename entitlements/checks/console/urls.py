from django.urls import path

from entitlements.checks.console import views

app_name = "checks"

urlpatterns = [
    path("benefit-checks/", views.index, name="index"),
    path("benefit-checks/run/", views.run, name="run"),
]
