from django.urls import path

from members.lifecycle.console import views

urlpatterns = [
    path("lifecycle/policies/", views.policy_list, name="policies"),
    path("lifecycle/policies/new/", views.policy_new, name="policy-new"),
    path("lifecycle/policies/<int:policy_id>/", views.policy_detail, name="policy"),
    path("lifecycle/policies/<int:policy_id>/edit/", views.policy_edit, name="policy-edit"),
    path("lifecycle/policies/<int:policy_id>/preview/", views.policy_preview, name="policy-preview"),
    path("lifecycle/policies/<int:policy_id>/submit/", views.policy_submit, name="policy-submit"),
    path("lifecycle/policies/<int:policy_id>/approve/", views.policy_approve, name="policy-approve"),
    path("lifecycle/policies/<int:policy_id>/reject/", views.policy_reject, name="policy-reject"),
    path("lifecycle/brakes/<int:brake_id>/", views.brake_detail, name="brake"),
    path("lifecycle/brakes/<int:brake_id>/approve/", views.brake_approve, name="brake-approve"),
    path("lifecycle/brakes/<int:brake_id>/release/", views.brake_release, name="brake-release"),
    path("lifecycle/anomalies/", views.anomaly_list, name="anomalies"),
]
