"""The Celery application. Tasks only wake work up; what is due lives in PostgreSQL."""

import os
from pathlib import Path

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("config")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
# Every room with a file of tasks, found by that file.
_ROOT = Path(__file__).resolve().parents[1]
app.autodiscover_tasks([f"{path.parent.parent.name}.{path.parent.name}" for path in _ROOT.glob("*/*/tasks.py")])
