"""The command lines of the system's own processes, and how each is seen to be up."""

from __future__ import annotations

import http.client
import os
import socket
from pathlib import Path
from urllib.parse import urlsplit

from config.runtime.processes import SHARED_MEMORY, python_command

APPLICATION = "config.wsgi:application"
# Every queue and the processes of its worker. Mail on its way takes up to two of the prompt ones, planning a third.
WORKERS = {"prompt": 4, "long": 2}


def web(descriptor: int, application: str = APPLICATION) -> list[str]:
    """gunicorn on an inherited listening socket: the port stays ours while it restarts."""
    options = ["--worker-class", "gthread", "--workers", "2", "--threads", "4", "--no-control-socket"]
    if SHARED_MEMORY.is_dir():
        # Heartbeat files on a slow disk look like hung workers.
        options += ["--worker-tmp-dir", str(SHARED_MEMORY)]
    options += ["--timeout", "120", "--graceful-timeout", "10", "--keep-alive", "30"]
    return python_command("gunicorn", application, "--bind", f"fd://{descriptor}", *options)


def worker(queue: str) -> list[str]:
    """A Celery worker for one of ``WORKERS``."""
    quiet = ["--without-gossip", "--without-mingle", "--loglevel", "INFO"]
    options = ["--queues", queue, "--concurrency", str(WORKERS[queue]), "-n", worker_name(queue)]
    return python_command("celery", "-A", "config", "worker", *options, *quiet)


def worker_name(queue: str) -> str:
    """One name per supervising process, so that a ping on a shared broker asks our worker and no other."""
    return f"moc-{queue}-{os.getpid()}@{socket.gethostname()}"


def worker_ping(queue: str) -> list[str]:
    return python_command("celery", "-A", "config", "inspect", "ping", "--timeout", "3", "-d", worker_name(queue))


def beat() -> list[str]:
    # A pid file would outlive kill -9 and forbid the next start.
    no_file = ["--pidfile="]
    scheduler = "django_celery_beat.schedulers:DatabaseScheduler"
    return python_command("celery", "-A", "config", "beat", "--scheduler", scheduler, "--loglevel", "INFO", *no_file)


def mail_sink(folder: Path, descriptor: int) -> list[str]:
    return python_command("config.runtime.smtp_sink", "--dir", str(folder), "--fd", str(descriptor))


def web_is_ready(url: str) -> bool:
    """Whether /readyz says 200. Asked directly: a proxy of the environment must not answer for us."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=5)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
