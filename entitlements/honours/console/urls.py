from django.urls import path

from entitlements.honours.console.views import advisers, honours, showing

app_name = "honours"

urlpatterns = [
    path("honours/", honours.index, name="index"),
    path("honours/new/", honours.new, name="new"),
    path("honours/<int:honour_id>/", honours.detail, name="detail"),
    path("honours/<int:honour_id>/edit/", honours.edit, name="edit"),
    path("honours/<int:honour_id>/count/", honours.begin, name="begin"),
    path("honours/runs/<int:honour_run_id>/", honours.run, name="run"),
    path("honours/runs/<int:honour_run_id>/recount/", honours.recount, name="recount"),
    path("honours/runs/<int:honour_run_id>/give/", honours.confirm, name="confirm"),
    path("honours/runs/<int:honour_run_id>/discard/", honours.discard, name="discard"),
    path("honours/runs/<int:honour_run_id>/take-back/", honours.void, name="void"),
    path("honours/advisers/", advisers.index, name="advisers"),
    path("honours/advisers/spread/", advisers.spread, name="spread"),
    path("members/<int:member_id>/adviser/", advisers.assign, name="assign"),
    path("members/<int:member_id>/adviser/end/", advisers.unassign, name="unassign"),
    path("benefits/<int:benefit_id>/shows/", showing.edit, name="adornment"),
    path("benefits/<int:benefit_id>/shows/remove/", showing.remove, name="adornment-remove"),
]
