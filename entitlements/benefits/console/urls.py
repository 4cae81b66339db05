from django.urls import path

from entitlements.benefits.console import views

urlpatterns = [
    path("benefits/new/", views.new, name="new"),
    path("benefits/<int:benefit_id>/edit/", views.edit, name="edit"),
    path("benefits/<int:benefit_id>/archive/", views.archive, name="archive"),
    path("benefits/<int:benefit_id>/restore/", views.restore, name="restore"),
    path("benefits/packs/", views.packs, name="packs"),
    path("benefits/packs/new/", views.pack_new, name="pack-new"),
    path("benefits/packs/<int:pack_id>/", views.pack_edit, name="pack-edit"),
]
