"""Settings, all read from the environment; the defaults suit one machine with embedded servers."""

from pathlib import Path

import environ
from csp.constants import NONE, SELF
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop
from kombu import Queue

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()

VAR_DIR = Path(env("MOC_VAR_DIR", default=str(BASE_DIR / "var")))
SAMPLE_DATA_DIR = Path(env("SAMPLE_DATA_DIR", default=str(BASE_DIR.parent / "shared" / "data")))

SECRET_KEY = env("SECRET_KEY", default="insecure-only-for-tests-and-tools")
DEBUG = env.bool("DEBUG", default=False)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "[::1]", "testserver"])
PUBLIC_URL = env("MOC_PUBLIC_URL", default="http://127.0.0.1:8000")
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[PUBLIC_URL])

# One installation serves one organisation: its name, clock and currency.
PROJECT_NAME = env("MOC_PROJECT_NAME", default=gettext_noop("Membership console"))
PROJECT_TIME_ZONE = env("MOC_TIME_ZONE", default="Asia/Shanghai")
PROJECT_CURRENCY = env("MOC_CURRENCY", default="CNY")
# A booked term ends at the local midnight after its last day; off, at the hour at which it was bought.
TERMS_END_AT_MIDNIGHT = env.bool("MOC_TERMS_END_AT_MIDNIGHT", default=True)
CLOCK_OFFSET_SECONDS = env.int("MOC_CLOCK_OFFSET_SECONDS", default=0)

INSTALLED_APPS = [
    "config.apps.ConsoleAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.contrib.humanize",
    "django_celery_beat",
    "django_filters",
    "django_fsm",
    "django_htmx",
    "import_export",
    "axes",
    "csp",
    "template_partials",
    "config.staff",
    "config.audit",
    "config.console",
    "members",
    "entitlements",
    "tasks_engine",
    "campaigns",
    "config.apps.RoofConfig",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "config.staff.middleware.ProgramDoorMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "config.staff.middleware.ViewerTimeZoneMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"

FORM_RENDERER = "config.console.form_renderer.QuickRenderer"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "django.template.context_processors.i18n",
                "config.home.context_processors.console",
            ],
        },
    },
]

DATABASES = {"default": env.db("DATABASE_URL", default="postgres://postgres@127.0.0.1:5432/moc")}
# Each thread keeps its own connection and looks whether it lives. A pool finds what a restart of the server broke one
# by one and rests twice as long after each: with six of them a request, or a mail on its way, waited half a minute.
DATABASES["default"].update(
    CONN_MAX_AGE=600,
    CONN_HEALTH_CHECKS=True,
    OPTIONS={
        # Statements that programs and the engine ask often are prepared once a connection: planning, let alone
        # compiling, costs ten times their run. What is prepared keeps one plan.
        "prepare_threshold": 5,
        "options": "-c jit=off -c plan_cache_mode=force_generic_plan",
    },
)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = env("REDIS_URL", default="redis://127.0.0.1:6379/0")
CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}}

# A lost task loses nothing: due work is in our tables and the next beat finds it.
CELERY_BROKER_URL = REDIS_URL
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 3600, "socket_timeout": 5, "socket_connect_timeout": 2}
CELERY_TASK_PUBLISH_RETRY = False
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_MAX_LOOP_INTERVAL = 1
# What follows a fact within seconds never stands behind what may take minutes: each queue has a worker of its own.
# A worker that is told of no queue takes both.
CELERY_TASK_DEFAULT_QUEUE = "long"
CELERY_TASK_QUEUES = [Queue("long", routing_key="long"), Queue("prompt", routing_key="prompt")]
CELERY_TASK_ROUTES = {
    task: {"queue": "prompt"}
    for task in (
        "members.lifecycle.tasks.sweep_due",
        "entitlements.use_reported",
        "entitlements.seats.follow_seats",
        "campaigns.tasks.*",
    )
}
# A tick that finds no worker is dropped, not queued up: the next one does the same work. A nightly one may wait.
CELERY_BEAT_SCHEDULE = {
    "lifecycle-sweep": {"task": "members.lifecycle.tasks.sweep_due", "schedule": 1.0, "options": {"expires": 10}},
    "unfinished-decisions": {
        "task": "members.lifecycle.tasks.finish_decisions",
        "schedule": 600.0,
        "options": {"expires": 300},
    },
    "abandoned-imports": {"task": "members.imports.rescue_imports", "schedule": 15.0, "options": {"expires": 10}},
    "lists-of-previews": {
        "task": "members.foreseen.forget_changes",
        "schedule": 24 * 3600.0,
        "options": {"expires": 6 * 3600},
    },
    "segments": {"task": "members.segments.refresh_segments", "schedule": 30.0, "options": {"expires": 25}},
    "uploaded-lists": {"task": "members.segments.tend_uploads", "schedule": 30.0, "options": {"expires": 25}},
    "tags": {"task": "members.tags.refresh_tags", "schedule": 30.0, "options": {"expires": 25}},
    "value-scores": {"task": "members.value.refresh_due", "schedule": 60.0, "options": {"expires": 50}},
    "parked-events": {"task": "members.events.replay_parked", "schedule": 60.0, "options": {"expires": 30}},
    "activity-recounts": {"task": "members.events.recount_activity", "schedule": 60.0, "options": {"expires": 30}},
    "old-parked-events": {
        "task": "members.events.forget_parked",
        "schedule": 24 * 3600.0,
        "options": {"expires": 6 * 3600},
    },
    "offers": {"task": "entitlements.offers.tend_offers", "schedule": 30.0, "options": {"expires": 25}},
    "seats": {"task": "entitlements.seats.follow_seats", "schedule": 30.0, "options": {"expires": 25}},
    "honours": {"task": "entitlements.honours.count_waiting", "schedule": 60.0, "options": {"expires": 30}},
    "strays-of-merges": {"task": "members.merging.gather_strays", "schedule": 60.0, "options": {"expires": 30}},
    "likely-duplicates": {
        "task": "members.merging.find_duplicates",
        "schedule": 24 * 3600.0,
        "options": {"expires": 6 * 3600},
    },
    "benefits": {"task": "entitlements.settle_due", "schedule": 1.0, "options": {"expires": 10}},
    "reported-uses": {"task": "entitlements.use_reported", "schedule": 2.0, "options": {"expires": 10}},
    "benefit-checks": {"task": "entitlements.check_invariants", "schedule": 600.0, "options": {"expires": 300}},
    "new-members-benefits": {"task": "entitlements.adopt_members", "schedule": 300.0, "options": {"expires": 60}},
    "usage-rates": {"task": "entitlements.refresh_rates", "schedule": 15.0, "options": {"expires": 12}},
    "versions": {"task": "engine.activate_versions", "schedule": 30.0, "options": {"expires": 25}},
    "tiers": {"task": "entitlements.tiers.assess", "schedule": 30.0, "options": {"expires": 25}},
    "tiers-nightly": {
        "task": "entitlements.tiers.look_at_everybody",
        "schedule": 24 * 3600.0,
        "options": {"expires": 6 * 3600},
    },
    "benefit-figures": {"task": "entitlements.count_figures", "schedule": 60.0, "options": {"expires": 50}},
    "event-partitions": {
        "task": "members.events.prepare_partitions",
        "schedule": 6 * 3600.0,
        "options": {"expires": 600},
    },
}

AUTH_USER_MODEL = "staff.User"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "console:home"
LOGOUT_REDIRECT_URL = "login"
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = 0.25
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_VERBOSE = False

LANGUAGE_CODE = "zh-hans"
FORMAT_MODULE_PATH = "config.locale"
LANGUAGES = [("zh-hans", _("Simplified Chinese")), ("en", _("English"))]
LOCALE_PATHS = [BASE_DIR / "config" / "locale"]
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True

STATIC_URL = "static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
MEDIA_ROOT = VAR_DIR / "media"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": env("MOC_STATIC_STORAGE", default="whitenoise.storage.CompressedManifestStaticFilesStorage")
    },
}
FILE_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
DATA_UPLOAD_MAX_MEMORY_SIZE = 10 * 1024 * 1024
IMPORT_MAX_BYTES = env.int("MOC_IMPORT_MAX_BYTES", default=2 * 1024**3)

vars().update(env.email("EMAIL_URL", default="smtp://127.0.0.1:1025"))
DEFAULT_FROM_EMAIL = env("MOC_FROM_EMAIL", default="members@example.com")

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "frame-src": [SELF],
        "frame-ancestors": [SELF],
        "base-uri": [NONE],
        "manifest-src": [SELF],
    }
}
X_FRAME_OPTIONS = "SAMEORIGIN"
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PUBLIC_URL.startswith("https://")

IMPORT_EXPORT_IMPORT_PERMISSION_CODE = "add"
IMPORT_EXPORT_EXPORT_PERMISSION_CODE = "view"
IMPORT_EXPORT_ESCAPE_FORMULAE_ON_EXPORT = True
IMPORT_EXPORT_USE_TRANSACTIONS = True

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env("LOG_LEVEL", default="INFO")},
}
