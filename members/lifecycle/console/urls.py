from django.urls import path

from members.lifecycle.console import views
from members.lifecycle.console.pages import POLICIES

urlpatterns = [
    *POLICIES.urls("lifecycle/policies/"),
    path("lifecycle/brakes/<int:brake_id>/", views.brake_detail, name="brake"),
    path("lifecycle/brakes/<int:brake_id>/approve/", views.brake_approve, name="brake-approve"),
    path("lifecycle/brakes/<int:brake_id>/release/", views.brake_release, name="brake-release"),
    path("lifecycle/anomalies/", views.anomaly_list, name="anomalies"),
]
