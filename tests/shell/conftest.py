"""The gallery behind a real HTTP server, and a browser. No database: its pages hold sample values."""

import threading
from collections.abc import Callable, Iterator
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import pytest
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.core.handlers.wsgi import WSGIHandler
from django.test import override_settings
from playwright.sync_api import Browser, BrowserContext, Page


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    def log_message(self, *args: object) -> None:
        """Requests are not news."""


@pytest.fixture(scope="module")
def gallery_server() -> Iterator[str]:
    with override_settings(ROOT_URLCONF="tests.shell.urls"):
        server = make_server("127.0.0.1", 0, StaticFilesHandler(WSGIHandler()), _Server, _Quiet)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        server.server_close()


OpenPage = Callable[..., Page]


@pytest.fixture
def open_page(browser: Browser, gallery_server: str) -> Iterator[OpenPage]:
    """``open_page(path, theme=, width=, language=, csp=)``: the page; ``page.errors`` collects its console errors."""
    contexts: list[BrowserContext] = []

    def open_(path: str, theme: str = "light", width: int = 1440, language: str = "en", csp: bool = True) -> Page:
        context = browser.new_context(viewport={"width": width, "height": 900}, bypass_csp=not csp)
        contexts.append(context)
        context.add_cookies(
            [
                {"name": "theme", "value": theme, "url": gallery_server},
                {"name": "django_language", "value": language, "url": gallery_server},
            ]
        )
        page = context.new_page()
        page.errors = []
        page.on("pageerror", lambda error: page.errors.append(str(error)))
        page.on("console", lambda line: page.errors.append(line.text) if line.type == "error" else None)
        page.goto(gallery_server + path)
        return page

    yield open_
    for context in contexts:
        context.close()
