from django.urls import path

from entitlements.offers.api import views

app_name = "offers-api"

urlpatterns = [
    path("api/v1/members/<str:external_id>/coupons", views.coupons, name="coupons"),
    path("api/v1/members/<str:external_id>/quote", views.quote, name="quote"),
    path("api/v1/members/<str:external_id>/coupons/<str:code>/redeem", views.redeem, name="redeem"),
]
