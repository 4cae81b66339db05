"""The Celery application. Tasks only wake work up; what is due lives in PostgreSQL."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("config")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
_FOLDERS = ("imports", "ingest", "merging", "segments", "tags", "value")
app.autodiscover_tasks([f"members.{folder}" for folder in _FOLDERS])
_BENEFITS = ("checks", "grants", "honours", "insight", "ladder", "offers", "seats", "tiers", "usage")
app.autodiscover_tasks([f"entitlements.{folder}" for folder in _BENEFITS])
