from django.urls import path

from entitlements.tiers.console.views import manual, overview, policies

app_name = "tiers"

urlpatterns = [
    path("tiers/", overview.index, name="overview"),
    path("tiers/changes/", overview.changes, name="changes"),
    path("tiers/brakes/<int:brake_id>/", overview.brake, name="brake"),
    path("tiers/brakes/<int:brake_id>/approve/", overview.brake_approve, name="brake-approve"),
    path("tiers/brakes/<int:brake_id>/release/", overview.brake_release, name="brake-release"),
    *policies.POLICIES.urls("tiers/policies/"),
    path("tiers/members/<int:member_id>/give/", manual.give, name="give"),
    path("tiers/members/<int:member_id>/take-back/", manual.take_back, name="take-back"),
]
