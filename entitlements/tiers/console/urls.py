from django.urls import path

from entitlements.tiers.console.views import manual, overview, policies

app_name = "tiers"

urlpatterns = [
    path("tiers/", overview.index, name="overview"),
    path("tiers/changes/", overview.changes, name="changes"),
    path("tiers/brakes/<int:brake_id>/", overview.brake, name="brake"),
    path("tiers/brakes/<int:brake_id>/approve/", overview.brake_approve, name="brake-approve"),
    path("tiers/brakes/<int:brake_id>/release/", overview.brake_release, name="brake-release"),
    path("tiers/policies/", policies.index, name="policies"),
    path("tiers/policies/new/", policies.new, name="policy-new"),
    path("tiers/policies/<int:policy_id>/", policies.detail, name="policy"),
    path("tiers/policies/<int:policy_id>/edit/", policies.edit, name="policy-edit"),
    path("tiers/policies/<int:policy_id>/preview/", policies.preview, name="policy-preview"),
    path("tiers/policies/<int:policy_id>/movers/", policies.movers, name="movers"),
    path("tiers/policies/<int:policy_id>/submit/", policies.submit, name="policy-submit"),
    path("tiers/policies/<int:policy_id>/approve/", policies.approve, name="policy-approve"),
    path("tiers/policies/<int:policy_id>/reject/", policies.reject, name="policy-reject"),
    path("tiers/members/<int:member_id>/give/", manual.give, name="give"),
    path("tiers/members/<int:member_id>/take-back/", manual.take_back, name="take-back"),
]
