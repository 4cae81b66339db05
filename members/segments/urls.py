from django.urls import path

from members.segments import views

app_name = "segments"

urlpatterns = [
    path("segments/", views.index, name="index"),
    path("segments/new/", views.new, name="new"),
    path("segments/<int:segment_id>/", views.detail, name="detail"),
    path("segments/<int:segment_id>/edit/", views.edit, name="edit"),
    path("segments/<int:segment_id>/freeze/", views.freeze, name="freeze"),
    path("segments/<int:segment_id>/archive/", views.archive, name="archive"),
]
