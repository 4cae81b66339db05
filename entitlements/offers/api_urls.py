from django.urls import path

from entitlements.offers import api

app_name = "offers-api"

urlpatterns = [
    path("api/v1/members/<str:external_id>/coupons", api.coupons, name="coupons"),
    path("api/v1/members/<str:external_id>/quote", api.quote, name="quote"),
    path("api/v1/members/<str:external_id>/coupons/<str:code>/redeem", api.redeem, name="redeem"),
]
