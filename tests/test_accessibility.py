"""axe-core looks at every page, in light and dark: it finds no serious fault."""

from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest

from browser import log_in, new_page, open_browser, problems_of
from fake_provider import FakeProvider
from proxy_process import ProxyProcess
from some_runs import write_run

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

RUN = "gsm:model=org_a"
GRAVE = ("serious", "critical")
# What is looked at → its path, and what is there when it has drawn itself.
RUN_PATH = f"/runs?{urlencode({'suite': 'default', 'run': RUN, 'place': 1})}"
PAGES = {
    "playground": (
        "/?prompt=a&settings=model:simple/model1",
        "#account-button[title*='Logged in']",
    ),
    "account": ("/static/account.html", "main h2"),
    "admin": ("/static/admin.html", "main table tbody tr"),
    "help": ("/static/help.html", "main table tbody tr"),
    "leaderboard": ("/static/benchmarking.html?suite=default", ".board tbody tr"),
    "runs": ("/runs?suite=default", ".runs tbody tr"),
    "compare": ("/compare?suite=default&a=org/a&b=org/b", ".compared tbody tr"),
    "summary": (RUN_PATH, ".stats tbody tr"),
    "samples": (f"{RUN_PATH}&tab=samples", "#sample h2"),
    "specification": (f"{RUN_PATH}&tab=spec", "#content dl"),
    "files": (f"{RUN_PATH}&tab=files", "#content a"),
}


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    with open_browser() as browser:
        yield browser


@pytest.fixture(scope="module")
def page(browser: "Browser", tmp_path_factory: pytest.TempPathFactory) -> Iterator["Page"]:
    """A page of a browser that is logged in at a proxy with two models' runs."""
    folder = tmp_path_factory.mktemp("accessibility")
    write_run(folder, RUN, {"a": 1, "b": 0, "c": 1}, perturbed={"a": 1, "b": 1, "c": 0})
    write_run(folder, "gsm:model=org_b", {"a": 0, "b": 0, "c": 1}, perturbed={"a": 0, "c": 0})
    with FakeProvider() as provider:
        process = ProxyProcess(folder, "--output-path", str(folder))
        process.deploy("test/model", provider.url)
        with process as proxy:
            page = new_page(browser, proxy.url)
            log_in(page, proxy)
            yield page
            page.context.close()


def faults_of(page: "Page", *rules: str) -> list[str]:
    """What axe-core finds by these rules, or all; each with the first element that it is about."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs .[dev]").Axe()
    found = axe.run(page, options={"runOnly": list(rules)} if rules else None).response[
        "violations"
    ]
    return [
        f"{fault['id']} ({fault['impact']}): {fault['nodes'][0]['html'][:200]}"
        for fault in found
        if fault["impact"] in GRAVE
    ]


@pytest.mark.parametrize("name", PAGES)
def test_a_page_has_no_serious_fault(page: "Page", name: str) -> None:
    path, shown = PAGES[name]
    page.goto(path)
    page.locator(shown).first.wait_for()
    if name == "help":
        # One of its hundreds of models is like another, and each costs axe-core a while.
        page.locator("#model-search").fill("simple/model1")
        page.wait_for_function("document.querySelectorAll('main tr').length < 200")
    page.emulate_media(color_scheme="light")
    assert faults_of(page) == []
    page.emulate_media(color_scheme="dark")
    assert faults_of(page, "color-contrast") == []  # nothing else differs
    assert problems_of(page) == []


@pytest.mark.parametrize("opens", ["search", "keys", "login"])
def test_a_dialog_has_no_serious_fault(page: "Page", opens: str) -> None:
    page.goto("/leaderboard?suite=default")
    page.locator(".board tbody tr").first.wait_for()
    if opens == "search":
        page.keyboard.press("Control+k")
        page.get_by_role("dialog").get_by_role("combobox").fill("org")
        page.locator(".search .tag", has_text="run").first.wait_for()
    elif opens == "keys":
        page.keyboard.press("?")
        page.locator("dialog kbd").first.wait_for()
    else:
        page.locator("#account-button").click()
        page.locator("dialog a").first.wait_for()
    assert faults_of(page) == []
