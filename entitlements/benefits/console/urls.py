from django.urls import path

from entitlements.benefits.console import views
from entitlements.grants.console import views as grants

app_name = "benefits"

urlpatterns = [
    path("benefits/", views.index, name="index"),
    path("benefits/count/", views.count, name="count"),
    path("benefits/new/", views.new, name="new"),
    path("benefits/<int:benefit_id>/", views.detail, name="detail"),
    path("benefits/<int:benefit_id>/edit/", views.edit, name="edit"),
    path("benefits/<int:benefit_id>/archive/", views.archive, name="archive"),
    path("benefits/<int:benefit_id>/restore/", views.restore, name="restore"),
    path("benefits/packs/", views.packs, name="packs"),
    path("benefits/packs/new/", views.pack_new, name="pack-new"),
    path("benefits/packs/<int:pack_id>/", views.pack_edit, name="pack-edit"),
    path("benefits/grants/<int:grant_id>/void/", grants.void, name="void"),
    path("benefits/usage/<int:usage_id>/reverse/", grants.reverse_use, name="reverse"),
    path("members/<int:member_id>/benefits/", grants.of_member, name="of-member"),
    path("members/<int:member_id>/benefits/give/", grants.give, name="give"),
    path("members/<int:member_id>/benefits/give-pack/", grants.give_pack, name="give-pack"),
]
