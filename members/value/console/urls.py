from django.urls import path

from members.value.console import views

app_name = "value"

urlpatterns = [
    path("value/", views.overview, name="overview"),
    path("value/refresh/", views.refresh, name="refresh"),
    path("value/changes/", views.changes, name="changes"),
    path("value/risk/", views.risk_model, name="risk-model"),
    path("value/settings/", views.settings, name="settings"),
    path("value/thresholds/", views.thresholds, name="thresholds"),
    path("value/thresholds/plans/<int:plan_id>/", views.plan_thresholds, name="plan-thresholds"),
    path("value/thresholds/plans/<int:plan_id>/drop/", views.plan_thresholds_drop, name="plan-thresholds-drop"),
]
