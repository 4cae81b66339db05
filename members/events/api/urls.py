from django.urls import path

from members.events.api import views
from members.events.operations.taking import BATCH

app_name = "tracking"

urlpatterns = [
    path(f"v1/{kind}", views.take, {"kind": kind}, name=kind) for kind in ("identify", "track", "page", "alias", BATCH)
]
