from django.urls import path

from members.events.console import views

app_name = "ingest"

urlpatterns = [
    path("settings/events/", views.event_list, name="events"),
    path("settings/events/<int:definition_id>/", views.event_detail, name="event"),
    path("settings/events/<int:definition_id>/edit/", views.event_edit, name="event-edit"),
    path("settings/sources/", views.source_list, name="sources"),
    path("settings/sources/new/", views.source_new, name="source-new"),
    path("settings/sources/<int:source_id>/", views.source_detail, name="source"),
    path("settings/sources/<int:source_id>/edit/", views.source_edit, name="source-edit"),
    path("settings/sources/<int:source_id>/keys/new/", views.key_new, name="key-new"),
    path("settings/keys/<int:key_id>/rotate/", views.key_rotate, name="key-rotate"),
    path("settings/keys/<int:key_id>/revoke/", views.key_revoke, name="key-revoke"),
]
