from django.urls import path

from members.ingest import api
from members.ingest.operations.taking import BATCH

app_name = "tracking"

urlpatterns = [
    path(f"v1/{kind}", api.take, {"kind": kind}, name=kind) for kind in ("identify", "track", "page", "alias", BATCH)
]
