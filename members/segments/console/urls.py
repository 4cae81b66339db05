from django.urls import path

from members.segments.console.views import building, raw, reading, segments, uploads

app_name = "segments"

urlpatterns = [
    path("segments/", segments.index, name="index"),
    path("segments/new/", building.new, name="new"),
    path("segments/compare/", reading.compare, name="compare"),
    path("segments/rule-schema/", raw.rule_schema, name="rule-schema"),
    path("segments/lists/new/", uploads.upload, name="upload"),
    path("segments/lists/<int:upload_id>/", uploads.uploaded, name="uploaded"),
    path("segments/lists/<int:upload_id>/not-found.csv", uploads.unknown_csv, name="unknown"),
    path("segments/lists/<int:upload_id>/discard/", uploads.discard, name="discard"),
    path("segments/<int:segment_id>/", segments.detail, name="detail"),
    path("segments/<int:segment_id>/edit/", building.edit, name="edit"),
    path("segments/<int:segment_id>/breakdown/", reading.breakdown, name="breakdown"),
    path("segments/<int:segment_id>/history/", reading.history, name="history"),
    path("segments/<int:segment_id>/freeze/", segments.freeze, name="freeze"),
    path("segments/<int:segment_id>/archive/", segments.archive, name="archive"),
]
