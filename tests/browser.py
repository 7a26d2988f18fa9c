"""A real browser for tests of the pages: the system's Chromium, driven by Playwright.

with open_browser() as browser:
    page = new_page(browser, proxy.url)
    log_in(page, proxy)
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from proxy_process import ProxyProcess

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PATIENCE_MILLISECONDS = 15_000

# What the browser says of an answer with a status of 400 or more; the page says it too.
EXPECTED_MESSAGE = "Failed to load resource"


@contextmanager
def open_browser() -> Iterator["Browser"]:
    """Start a browser, and end it; the test is skipped where there is none."""
    api = pytest.importorskip("playwright.sync_api", reason="no playwright: pip install -e .[dev]")
    paths = [path for name in NAMES if (path := shutil.which(name))]
    if not paths:
        pytest.skip(f"no browser: none of {', '.join(NAMES)} is installed (see scripts/test.sh)")
    flags = ["--no-proxy-server"]
    if os.geteuid() == 0:  # Chromium's own sandbox refuses to work for root
        flags.append("--no-sandbox")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=paths[0], args=flags)
        try:
            yield browser
        finally:
            browser.close()


def new_page(browser: "Browser", url: str, **options: Any) -> "Page":
    """Return a page with no history and no cookies, which keeps what goes wrong in it.

    Args:
        options: Of Playwright's `new_context`, such as `color_scheme`.
    """
    context = browser.new_context(base_url=url, **options)
    context.set_default_timeout(PATIENCE_MILLISECONDS)
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on(
        "console",
        lambda message: (
            problems.append(message.text)
            if message.type == "error" and EXPECTED_MESSAGE not in message.text
            else None
        ),
    )
    page.problems = problems  # type: ignore[attr-defined]  # for `problems_of`
    return page


def log_in(page: "Page", proxy: ProxyProcess) -> None:
    """Give the browser the session of the first administrator."""
    answer = page.request.post("/api/session", data={"api_key": proxy.auth.api_key})
    assert answer.ok


def problems_of(page: "Page") -> list[str]:
    """Uncaught errors of the page, and what its security policy refused."""
    problems: list[str] = page.problems  # type: ignore[attr-defined]  # set by `new_page`
    return problems
