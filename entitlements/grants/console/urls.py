from django.urls import path

from entitlements.grants.console import views

urlpatterns = [
    path("benefits/grants/<int:grant_id>/void/", views.void, name="void"),
    path("members/<int:member_id>/benefits/give/", views.give, name="give"),
    path("members/<int:member_id>/benefits/give-pack/", views.give_pack, name="give-pack"),
]
