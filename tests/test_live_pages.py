"""Pages while runs go on: events over a real server, and what is done where there are none."""

import http.client
import json
import signal
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

import msgspec
import pytest

from benchmark.run_folder import RunFolder
from benchmark.run_progress import PROGRESS, RunProgress
from benchmark.states_file import StatesFile
from browser import log_in, new_page, open_browser, problems_of
from proxy_process import ProxyProcess
from some_runs import write_run

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Route

HOSTILE = "<img src=x onerror=window.hacked=1>"
FORMULA = "=cmd|' /C calc'!A1"


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    with open_browser() as browser:
        yield browser


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProxyProcess]:
    folder = tmp_path_factory.mktemp("live")
    with ProxyProcess(folder, "-w", "1", "--output-path", str(folder)) as proxy:
        yield proxy


@pytest.fixture
def folder(proxy: ProxyProcess) -> RunFolder:
    """A run in a suite of its own, of which two of ten requests are answered."""
    suite = f"suite{len(list(proxy.folder.glob('runs/*')))}"
    folder = write_run(proxy.folder, "gsm:model=org_a", {"a": 1, "b": 0}, suite=suite)
    folder.stats_path.unlink()
    note(folder, num_done=2, tokens=1200)
    return folder


def note(folder: RunFolder, *, num_done: int, tokens: int, status: str = "running") -> None:
    """Note how far the run is, as the runner does."""
    now = time.time()
    progress = RunProgress(
        began_at=now - 10,
        noted_at=now,
        num_resumed=0,
        num_cached=0,
        num_tokens=tokens,
        cost=0.0042,
    )
    states = StatesFile(folder.states_path)
    known = list(states.states(states.instances()))
    states.add_states((place, *known[0][1:]) for place in range(num_done))
    for key, value in {
        "status": status,
        "num_requests": "10",
        PROGRESS: msgspec.json.encode(progress).decode(),
    }.items():
        states.set_meta(key, value)
    states.close()


def listen(
    proxy: ProxyProcess, folder: RunFolder, api_key: str
) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
    """Ask for the events of the run's suite."""
    connection = http.client.HTTPConnection(urlsplit(proxy.url).netloc, timeout=20)
    headers = {"Authorization": f"Bearer {api_key}"}
    connection.request("GET", f"/api/runs/{suite_of(folder)}/events?since=0", headers=headers)
    return connection, connection.getresponse()


def suite_of(folder: RunFolder) -> str:
    return folder.path.parent.name


def next_event(answer: http.client.HTTPResponse) -> dict[str, Any]:
    while line := answer.readline():
        if line.startswith(b"data: "):
            event: dict[str, Any] = json.loads(line.removeprefix(b"data: "))
            return event
    raise AssertionError("the stream has ended")


@pytest.mark.parametrize("has_events", [True, False], ids=["events", "polling"])
def test_a_page_goes_on_with_its_run(
    browser: "Browser", proxy: ProxyProcess, folder: RunFolder, *, has_events: bool
) -> None:
    page = new_page(browser, proxy.url)
    log_in(page, proxy)

    def refuse(route: "Route") -> None:
        route.fulfill(status=204)

    if not has_events:
        page.route("**/events?*", refuse)
    page.goto(f"/runs?suite={suite_of(folder)}")
    row = page.locator("table.runs tbody tr")
    row.get_by_text("2 of 10").wait_for()
    row.get_by_text("0 errors · 1.2k tokens · $0.0042").wait_for()
    row.get_by_text("0.2/s").wait_for()  # since its start
    note(folder, num_done=5, tokens=3000)
    row.get_by_text("5 of 10").wait_for()
    row.get_by_text("3.0k tokens").wait_for()
    row.get_by_role("link").click()
    page.locator("#outcomes", has_text="5 of 10: 5 ok").wait_for()
    note(folder, num_done=10, tokens=6000, status="finished")
    page.locator(".run-facts .mark", has_text="finished").wait_for()
    assert problems_of(page) == []
    page.context.close()


def test_the_search_finds_runs_tasks_and_samples_and_runs_no_text(
    browser: "Browser", proxy: ProxyProcess, folder: RunFolder
) -> None:
    suite = suite_of(folder)
    name = f"gsm:model=org_{HOSTILE}".replace("/", "_")
    write_run(proxy.folder, name, {"a": 1}, suite=suite, question=HOSTILE, answer=FORMULA)
    page = new_page(browser, proxy.url)
    log_in(page, proxy)
    strangers: list[str] = []
    page.on("request", lambda request: strangers.append(request.url))

    def found(query: str, kind: str) -> None:
        page.keyboard.press("Control+k")
        page.get_by_role("dialog").get_by_role("combobox").fill(query)
        page.locator(".search li", has=page.locator(".tag", has_text=kind)).first.wait_for()

    page.goto(f"/runs?suite={suite}")
    found("onerror", "run")
    assert HOSTILE in page.locator(".search li", has_text="onerror").first.inner_text()
    page.keyboard.press("Escape")
    found("GSM8K", "task")
    page.keyboard.press("Escape")
    found("window.hacked", "sample")
    sample = page.locator(".search li", has=page.locator(".tag", has_text="sample")).first
    sample.dispatch_event("pointerdown")
    page.locator("#sample .prompt", has_text="onerror").wait_for()
    for path in ("/leaderboard", "/compare", "/runs"):
        page.goto(f"{path}?{urlencode({'suite': suite, 'a': name, 'b': folder.path.name})}")
        page.wait_for_load_state("networkidle")
        assert page.evaluate("window.hacked") is None
    assert [url for url in strangers if not url.startswith((proxy.url, "data:"))] == []
    assert problems_of(page) == []
    page.context.close()


def test_strangers_get_no_events(proxy: ProxyProcess, folder: RunFolder) -> None:
    connection, answer = listen(proxy, folder, "lmb-wrong")
    assert answer.status == 401
    connection.close()


def test_a_server_tells_how_a_run_goes_on_and_ends_though_it_is_listened_to(
    proxy: ProxyProcess, folder: RunFolder
) -> None:
    connection, answer = listen(proxy, folder, proxy.auth.api_key)
    assert answer.getheader("Content-Type", "").startswith("text/event-stream")
    [head] = next_event(answer)["runs"]
    assert (head["num_done"], head["progress"]["num_tokens"]) == (2, 1200)
    note(folder, num_done=5, tokens=3000)
    [head] = next_event(answer)["runs"]
    assert (head["num_done"], head["progress"]["num_tokens"]) == (5, 3000)
    began = time.monotonic()
    assert proxy.end(signal.SIGTERM) == 0  # the last test: nobody needs it any more
    assert time.monotonic() - began < 15  # not as long as a stream may last
    connection.close()
