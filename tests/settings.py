"""The project's settings as the tests run them: the same, but quick, and deaf to workers that happen to run."""

import os
import tempfile

from config.settings import *  # noqa: F403
from config.settings import CACHES, DATABASES, STORAGES

# A test's database must be droppable the moment it ends; a kept connection would hold it.
DATABASES["default"]["CONN_MAX_AGE"] = 0
# Nothing a test wrote need outlive a power cut.
DATABASES["default"]["OPTIONS"]["options"] += " -c synchronous_commit=off"

WORKER = os.environ.get("PYTEST_XDIST_WORKER", "main")
# Clearing a cache empties its whole database, so each of the parallel processes has one of its own.
NUMBER = 15 if WORKER == "main" else 1 + int(WORKER.removeprefix("gw"))
CACHES["default"]["LOCATION"] = f"{CACHES['default']['LOCATION'].rpartition('/')[0]}/{NUMBER}"

# A wake-up that a test causes must reach no real worker. Tests call the task, or start workers of their own.
CELERY_BROKER_URL = "memory://"

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
WHITENOISE_AUTOREFRESH = True
MEDIA_ROOT = os.path.join(tempfile.gettempdir(), f"moc-test-media-{os.getuid()}-{WORKER}")
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
AXES_ENABLED = False

# Playwright keeps an event loop in the test's thread; Django would refuse every query beside it.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
