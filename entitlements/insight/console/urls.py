from django.urls import path

from entitlements.insight.console import views

urlpatterns = [
    path("benefits/", views.index, name="index"),
    path("benefits/count/", views.count, name="count"),
    path("benefits/<int:benefit_id>/", views.detail, name="detail"),
]
