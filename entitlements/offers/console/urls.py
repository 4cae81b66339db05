from django.urls import path

from entitlements.offers.console.views import coupons, offers

app_name = "offers"

urlpatterns = [
    path("offers/", offers.index, name="index"),
    path("offers/new/", offers.choose, name="choose"),
    path("offers/new/<slug:kind>/", offers.new, name="new"),
    path("offers/<int:offer_id>/", offers.detail, name="detail"),
    path("offers/<int:offer_id>/edit/", offers.edit, name="edit"),
    path("offers/<int:offer_id>/activate/", offers.activate, name="activate"),
    path("offers/<int:offer_id>/pause/", offers.pause, name="pause"),
    path("offers/<int:offer_id>/end/", offers.end, name="end"),
    path("offers/<int:offer_id>/coupons/", offers.coupons, name="coupons"),
    path("offers/<int:offer_id>/issue/", coupons.issue, name="issue"),
    path("offers/runs/<int:issue_run_id>/stop/", coupons.stop, name="stop"),
    path("offers/coupons/<int:coupon_id>/redeem/", coupons.redeem, name="redeem"),
    path("offers/coupons/<int:coupon_id>/revoke/", coupons.revoke, name="revoke"),
    path("members/<int:member_id>/coupons/issue/", coupons.issue_one, name="issue-one"),
]
