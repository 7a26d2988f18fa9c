"""The pages about runs as people use them: real runs, a real `proxy-server`, a real browser."""

import csv
import http.client
import json
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import pytest

from benchmark.schema import unknown_names
from benchmark.suite import finished_runs, read_timings
from benchmark.web.pages import STATIC
from browser import log_in, new_page, open_browser, problems_of
from fake_provider import AnswerRule, Behaviour, FakeProvider, Fault
from proxy.routes.page_files import STATIC as PROXY_STATIC
from proxy_process import ProxyProcess
from run_process import Commands

if TYPE_CHECKING:
    from playwright.sync_api import APIResponse, Browser, Page

PHONE = {"width": 390, "height": 844}
NUM_TEST = 30
HOSTILE = (
    "</textarea><img src=x onerror='window.hacked=1'><script>window.hacked=1</script> "
    "\x1b[31mred \u202ebackwards"
)
HOSTILE_MODEL = "<img src=x onerror=window.hacked=1>"
GOOD, EQUAL, BAD = "good", "equal", "bad"


def run_name(model: str, task: str = "gsm") -> str:
    separator = "," if ":" in task else ":"
    return f"{task}{separator}model=openai-compatible_{model}"


LOWER = run_name(GOOD, "gsm:data_augmentation=lower")


def right_answers(*wrong: int) -> list[AnswerRule]:
    """What the provider answers: the right number to all questions but some."""
    return [
        {"contains": f"test {number}: Tom", "text": f" The answer is {2 * number + 3}."}
        for number in range(NUM_TEST)
        if number not in wrong
    ]


@pytest.fixture(scope="module")
def commands(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Commands]:
    """A suite of three models: one good, one nearly so, one bad, hostile and failing."""
    with FakeProvider() as provider:
        commands = Commands(tmp_path_factory.mktemp("suite"), provider.url)
        commands.write_mirror(NUM_TEST)

        def evaluate(model: str, behaviour: Behaviour, *entries: str) -> None:
            provider.set(behaviour)
            own = str(commands.folder / "cache" / model)
            flags = ("--model", f"openai-compatible/{model}", "--local-path", own)
            commands.run(*flags, "--max-error-rate", "0.5", entries=entries).assert_done()

        good = Behaviour(answers=right_answers(*range(5)))
        evaluate(GOOD, good, "gsm", "gsm:data_augmentation=lower")
        evaluate(EQUAL, Behaviour(answers=right_answers(*range(6))), "gsm")
        hostile: list[AnswerRule] = [{"contains": "test 5: Tom", "text": HOSTILE}]
        faults: list[Fault] = [{"kind": "400", "contains": "test 7: Tom"}]
        evaluate(BAD, Behaviour(answers=hostile, faults=faults), "gsm")
        yield commands


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    with open_browser() as browser:
        yield browser


@pytest.fixture(scope="module")
def proxy(commands: Commands, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProxyProcess]:
    folder = tmp_path_factory.mktemp("proxy")
    with ProxyProcess(folder, "--output-path", str(commands.output_path)) as running:
        yield running


@pytest.fixture
def page(browser: "Browser", proxy: ProxyProcess) -> Iterator["Page"]:
    """A page of a browser that is logged in."""
    page = new_page(browser, proxy.url)
    log_in(page, proxy)
    yield page
    assert problems_of(page) == []
    assert page.evaluate("window.hacked") is None
    page.context.close()


def api_path(run: str, more: str = "", suite: str = "default") -> str:
    return f"/api/runs/{suite}/{quote(run, safe='')}{more}"


def open_run(page: "Page", run: str, **parameters: str) -> None:
    page.goto(f"/runs?{urlencode({'suite': 'default', 'run': run, **parameters})}")
    page.locator("#tabs [aria-selected=true]").wait_for()


def parameters_of(page: "Page") -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(page.url).query).items()}


# --- Who asks, and for what ---------------------------------------------------------------------


def test_strangers_see_no_results(browser: "Browser", proxy: ProxyProcess) -> None:
    page = new_page(browser, proxy.url)
    paths = ["/api/runs", "/api/runs/default", "/api/leaderboard?suite=default"]
    paths += [api_path(LOWER, more) for more in ("", "/samples", "/samples/0", "/files/stats.json")]
    for path in paths:
        assert page.request.get(path).status == 401
    page.goto("/leaderboard?suite=default")
    page.get_by_text("shown to those who have a key").wait_for()
    page.locator("#content").get_by_role("button", name="Log in").click()
    page.get_by_label("API key").fill(proxy.auth.api_key)
    page.keyboard.press("Enter")
    page.locator(".board tbody tr").first.wait_for()
    assert problems_of(page) == []


@pytest.mark.parametrize(
    "path",
    [
        "/api/runs/..",
        "/api/runs/%2e%2e/%2e%2e",
        "/api/runs/default/..",
        "/api/runs/default/..%2F..",
        "/api/runs/default/.%2e/samples",
        "/api/runs/nothing",
        "/api/runs/default/nothing",
        "/api/runs/default/nothing/samples/0",
        "/api/leaderboard?suite=..",
        f"/api/runs/default/{quote(LOWER, safe='')}/files/.lock",
        f"/api/runs/default/{quote(LOWER, safe='')}/files/..%2F..%2Fleaderboard.json",
        f"/api/runs/default/{quote(LOWER, safe='')}/samples/999999",
        "/static/benchmark/../pages.py",
    ],
)
def test_nothing_but_runs_can_be_reached(proxy: ProxyProcess, path: str) -> None:
    # As it is: a browser would follow the dots before it asks.
    connection = http.client.HTTPConnection(proxy.url.removeprefix("http://"), timeout=30)
    connection.request("GET", path, headers={"Authorization": f"Bearer {proxy.auth.api_key}"})
    answer = connection.getresponse()
    assert answer.status == 404
    assert "request_id" in json.loads(answer.read())["error"]
    connection.close()


@pytest.mark.parametrize(
    "query", ["offset=-1", "offset=x", "limit=1e3", "filter=good", "offset=99999999999999999999"]
)
def test_what_can_not_be_asked_is_said(page: "Page", query: str) -> None:
    answer = page.request.get(api_path(LOWER, f"/samples?{query}"))
    assert answer.status == 400
    assert query.partition("=")[0] in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("query", "leads_to"),
    [
        ("suite=default&group=gsm", "/leaderboard?suite=default&group=gsm"),
        ("suite=default&runSpec=a:b=c", "/runs?suite=default&run=a%3Ab%3Dc"),
        ("", "/leaderboard"),
    ],
)
def test_the_reference_s_addresses_lead_here(page: "Page", query: str, leads_to: str) -> None:
    answer = page.request.get(f"/static/benchmarking.html?{query}", max_redirects=0)
    assert answer.status == 303
    assert answer.headers["location"] == leads_to


def test_every_name_that_a_run_emits_is_known(commands: Commands) -> None:
    for run in finished_runs(commands.output_path, "default"):
        timings = read_timings(run.folder)
        assert timings is not None
        assert timings.stats
        assert unknown_names([*run.stats, *timings.stats]) == set()


# --- Leaderboard --------------------------------------------------------------------------------


def test_the_leaderboard_has_scores_with_intervals_and_says_what_is_missing(page: "Page") -> None:
    page.goto("/leaderboard?suite=default")
    rows = page.locator(".board tbody tr")
    rows.nth(2).wait_for()
    shown = [" ".join(row.inner_text().split()) for row in rows.all()]
    assert re.match(rf"openai-compatible/ ?{GOOD} 1\.00 83\.3 ±\d+\.\d", shown[0])
    assert re.match(rf"openai-compatible/ ?{EQUAL} 0\.50 = 80\.0 ±\d+\.\d —$", shown[1])
    assert shown[2].endswith("1 err —")
    missing = rows.nth(1).locator("td").last
    assert missing.get_attribute("title") == "no such run"
    title = rows.nth(1).locator("td.tied").get_attribute("title") or ""
    assert "95 % interval" in title
    assert "n = 30" in title
    rows.first.locator("a").first.click()
    page.wait_for_url("**/runs?**")
    assert parameters_of(page)["run"] == run_name(GOOD)


def test_the_leaderboard_is_sorted_searched_and_kept_in_its_address(page: "Page") -> None:
    page.goto("/leaderboard?suite=default")
    page.get_by_role("button", name="model").click()
    names = ".board tbody th"
    assert [BAD in name for name in page.locator(names).all_inner_texts()] == [True, False, False]
    page.get_by_role("button", name="model").click()
    assert page.locator("th[aria-sort=descending]").count() == 1
    assert GOOD in page.locator(names).first.inner_text()
    page.get_by_label("Search models").fill(EQUAL)
    assert page.locator(names).count() == 1
    assert parameters_of(page) == {"suite": "default", "sort": "-model", "q": EQUAL}
    page.reload()
    page.locator(names).first.wait_for()
    assert page.locator(names).count() == 1
    page.get_by_label("Search models").fill("nobody")
    page.get_by_text("No model has that in its name").wait_for()


def test_two_models_of_the_leaderboard_are_compared(page: "Page") -> None:
    page.goto("/leaderboard?suite=default")
    for model in (GOOD, BAD):
        page.get_by_label(f"Compare openai-compatible/{model}").check()
    page.get_by_role("link", name="Compare these two").click()
    page.get_by_text(re.compile(r"^B is worse by")).wait_for()
    assert parameters_of(page)["b"] == f"openai-compatible/{BAD}"


def test_the_leaderboard_draws_models_against_what_they_take(page: "Page") -> None:
    page.goto("/leaderboard?suite=default")
    page.locator(".board-plot circle").nth(2).wait_for()
    assert page.locator(".chart-front").get_attribute("points")
    page.locator(".board-plot").get_by_text("As a table").click()
    assert page.locator(".board-plot tbody tr").count() == 3
    page.get_by_label("Group").select_option("GSM8K")
    page.wait_for_url("**group=gsm**")
    page.locator(".board-plot circle").nth(2).wait_for()


def test_views_and_groups_change_the_columns(page: "Page") -> None:
    page.goto("/leaderboard?suite=default")
    page.locator(".board thead th").nth(3).wait_for()
    page.get_by_role("button", name="Robustness").click()
    page.wait_for_function("() => document.querySelectorAll('.board thead th').length === 2")
    page.go_back()
    page.wait_for_function("() => document.querySelectorAll('.board thead th').length === 4")
    page.get_by_label("Group").select_option("GSM8K")
    page.wait_for_url("**group=gsm**")
    page.goto("/leaderboard?suite=default&group=nothing")
    page.get_by_text("No run of this suite has a score to show here").wait_for()


def leaderboard_file(page: "Page", kind: str) -> "APIResponse":
    answer = page.request.get(f"/api/leaderboard?suite=default&format={kind}")
    assert answer.ok
    assert "attachment" in answer.headers["content-disposition"]
    return answer


def test_the_leaderboard_as_files(page: "Page") -> None:
    rows = list(csv.reader(leaderboard_file(page, "csv").text().splitlines()))
    assert rows[0][:2] == ["model", "mean win rate"]
    assert rows[0][4] == "gsm (exact_match_indicator)"
    assert [float(row[4]) > 0.7 for row in rows[1:]] == [True, True, False]
    assert all(len(row) == len(rows[0]) for row in rows)
    table = leaderboard_file(page, "latex").text()
    assert table.count("\\\\") == 4
    assert "data\\_augmentation=lower" in table
    assert page.request.get("/api/leaderboard?suite=default&format=xls").status == 400
    assert page.request.get("/api/leaderboard").status == 400


# --- Runs ---------------------------------------------------------------------------------------


def test_the_runs_of_a_suite_are_listed(page: "Page") -> None:
    page.goto("/runs?suite=default")
    page.get_by_text("4 runs").wait_for()
    row = page.locator("tr", has_text=run_name(BAD))
    assert row.locator("svg").get_attribute("aria-label") == "29 ok · 1 error"
    page.get_by_label("Search runs").fill("lower")
    assert page.locator("tbody tr").count() == 1
    page.locator("body").press("Escape")
    page.locator("h1").click()
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.locator("h1", has_text=LOWER).wait_for()


def test_a_run_under_way_is_seen_to_go_on(page: "Page", commands: Commands, tmp_path: Path) -> None:
    with FakeProvider(Behaviour(latency_seconds=0.3)) as provider:
        own = Commands(commands.folder, provider.url)
        flags = ("--suite", "live", "-n", "1", "--local-path", str(tmp_path))
        with own.start(*flags) as process:
            run = commands.run_path("gsm", "live")
            process.wait_until((run / "states.sqlite").exists)
            page.goto("/runs?suite=live")
            page.locator(".mark.live").wait_for()
            row = page.locator("tbody tr")
            assert re.search(rf"\d+ of {NUM_TEST}", row.inner_text())
            page.get_by_text(re.compile(r"left")).wait_for()  # after two looks, when it will end
            page.goto("/leaderboard?suite=live")
            page.locator(".board .mark.warn", has_text="running").wait_for()
            process.kill()
    page.goto(f"/runs?suite=live&run={quote(run.name)}&tab=samples")
    page.locator("tr.line").first.wait_for()
    states = sqlite3.connect(run / "states.sqlite")
    assert states.execute("SELECT count(*) FROM states").fetchone()[0] > 0
    states.close()


def test_what_can_not_be_read_is_said_and_costs_nothing_else(
    page: "Page", commands: Commands
) -> None:
    suite = commands.output_path / "runs" / "odd"
    for name in ("no_spec", "broken", "damaged"):
        (suite / name).mkdir(parents=True)
    (suite / "broken" / "run_spec.json").write_text("{")
    spec = (commands.run_path("gsm").parent / run_name(BAD) / "run_spec.json").read_text()
    spec = spec.replace(f"openai-compatible/{BAD}", HOSTILE_MODEL)
    (suite / "damaged" / "run_spec.json").write_text(spec)
    (suite / "damaged" / "states.sqlite").write_bytes(b"not a database at all" * 100)
    page.goto("/runs?suite=odd")
    page.locator("tbody tr").nth(1).wait_for()
    assert page.locator(".mark.bad", has_text="unreadable").count() == 2
    assert page.request.get(api_path("damaged", "/samples", "odd")).status == 409
    page.goto("/leaderboard?suite=odd")
    page.locator(".model-name", has_text=HOSTILE_MODEL).wait_for()
    page.goto("/runs?suite=odd&run=damaged&tab=samples")
    page.get_by_role("alert").filter(has_text="can't be read").wait_for()


def test_a_run_has_its_scores_by_version_its_specification_and_its_files(
    page: "Page", commands: Commands
) -> None:
    open_run(page, LOWER)
    first = page.locator("tr.main-metric").first
    assert first.locator("td").count() == 5  # original, lower case, three worst cases
    assert "±" in first.locator("td").first.inner_text()
    assert page.locator(".stats th", has_text="Lower case").count() >= 1
    assert "60 ok" in page.locator("#outcomes").inner_text()
    page.get_by_role("tab", name="Specification").click()
    page.get_by_text("adapter_spec", exact=False).first.wait_for(state="attached")
    assert page.locator("dd", has_text="exact_match_indicator").count() >= 1
    page.get_by_role("tab", name="Files").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="stats.json").click()
    path = commands.run_path("gsm").parent / LOWER / "stats.json"
    assert Path(download.value.path()).read_bytes() == path.read_bytes()
    page.go_back()
    page.get_by_role("heading", name="Scenario").wait_for()


def test_a_run_has_plots_with_their_numbers_as_tables(page: "Page") -> None:
    open_run(page, LOWER)
    page.locator(".chart svg").nth(3).wait_for()
    titles = page.locator(".chart h3").all_inner_texts()
    assert titles[1:] == ["Effect of each perturbation", "Calibration", "Time of a request"]
    for chart in page.locator(".chart").all():
        assert chart.locator("svg title").first.text_content()
        assert "The table below" in (chart.locator("svg desc").text_content() or "")
        chart.get_by_text("As a table").click()
        assert chart.locator("tbody tr").count() >= 1
    plots = page.request.get(api_path(LOWER, "/plots")).json()
    assert sum(one["num_requests"] for one in plots["times"]) == 2 * NUM_TEST
    assert sum(one["n"] for one in plots["calibration"]) == plots["num_calibrated"] == NUM_TEST


def test_runs_beside_a_run_show_where_they_differ(page: "Page") -> None:
    open_run(page, LOWER, tab="spec")
    page.get_by_label("Beside it").select_option(run_name(BAD))
    differs = page.locator("tr.differs")
    differs.first.wait_for()
    fields = [row.locator("th").inner_text() for row in differs.all()]
    assert "adapter_spec.model" in fields
    assert "adapter_spec.method" not in fields
    assert parse_qs(urlsplit(page.url).query)["run"] == [LOWER, run_name(BAD)]
    page.get_by_role("tab", name="Summary").click()
    page.get_by_role("heading", name="Side by side").wait_for()
    first = page.locator(".several tbody tr").first
    assert first.locator("td").count() == 2
    assert "83.3" in first.inner_text()
    page.reload()
    page.get_by_role("heading", name="Side by side").wait_for()
    page.get_by_role("tab", name="Specification").click()
    page.get_by_title(f"Take {run_name(BAD)} away").click()
    page.get_by_role("heading", name="Scenario").wait_for()
    assert parse_qs(urlsplit(page.url).query)["run"] == [LOWER]


# --- Samples ------------------------------------------------------------------------------------


def test_samples_are_filtered_by_score_outcome_and_text(page: "Page") -> None:
    open_run(page, run_name(BAD), tab="samples")
    count = page.locator("#sample-count")
    page.get_by_text(f"{NUM_TEST} samples").wait_for()
    page.get_by_label("Show").select_option("error")
    page.get_by_text(f"1 of {NUM_TEST}").wait_for()
    assert "test 7: Tom" in page.locator("tr.line").inner_text()
    page.get_by_label("Show").select_option("")
    page.get_by_label("Search in").fill("ONERROR")
    page.get_by_text(f"1 of {NUM_TEST}").wait_for()
    assert parameters_of(page)["q"] == "ONERROR"
    page.get_by_label("Search in").fill("100%_")
    page.get_by_text("No sample is like that").wait_for()
    page.go_back()
    assert count.inner_text()


def test_a_sample_shows_hostile_text_as_text(page: "Page") -> None:
    open_run(page, run_name(BAD), tab="samples", q="onerror")
    page.locator("tr.line").click()
    shown = page.locator("#sample .tokens")
    shown.wait_for()
    assert "<img src=x onerror='window.hacked=1'><script>" in shown.inner_text()
    assert "\\x1b[31mred" in shown.inner_text()
    shown.locator(".token").first.hover()
    page.locator("#sample .candidates li.chosen").wait_for()
    page.locator("#sample summary", has_text="5 examples").click()
    page.locator("#sample .few-shot", has_text="Question train").wait_for()
    page.locator("#sample summary", has_text="Result").click()
    page.locator("#sample pre", has_text="onerror").wait_for()


def test_j_and_k_go_through_samples_and_the_address_keeps_them(page: "Page") -> None:
    open_run(page, run_name(GOOD), tab="samples")
    page.locator("tr.line").first.wait_for()
    for key in "jjk":
        page.keyboard.press(key)
    page.locator("#sample h2").wait_for()
    assert parameters_of(page)["place"] == "0"
    page.keyboard.press("j")
    page.wait_for_url("**place=1**")
    page.reload()
    page.locator("#sample .own-input", has_text="test 1: Tom").wait_for()
    assert page.locator("tr.chosen-line").count() == 1
    page.locator("#sample .mark.good", has_text="correct").wait_for()


def test_samples_that_a_perturbation_flipped_can_be_asked_for(page: "Page") -> None:
    open_run(page, LOWER, tab="samples", filter="flipped")
    page.get_by_label("Show").wait_for()
    answer = page.request.get(api_path(LOWER, "/samples?filter=flipped&limit=100")).json()
    by_id = {row["id"]: row["value"] for row in answer["rows"]}
    originals = page.request.get(api_path(LOWER, "/samples?perturbation=identity&limit=100")).json()
    assert all(row["perturbation"]["name"] == "lowercase" for row in answer["rows"])
    changed = [row["id"] for row in originals["rows"] if by_id.get(row["id"]) == row["value"]]
    assert changed == []


def test_the_versions_of_an_instance_are_a_click_apart(page: "Page") -> None:
    open_run(page, LOWER, tab="samples", perturbation="identity")
    page.get_by_text(f"{NUM_TEST} of {2 * NUM_TEST}").wait_for()
    page.locator("tr.line").nth(2).click()
    page.locator(".chip[aria-pressed=true]", has_text="Original").wait_for()
    page.locator(".chip", has_text="Lower case").click()
    page.locator("#sample .own-input", has_text="question test 2: tom").wait_for()


def test_a_sample_opens_in_the_playground(page: "Page") -> None:
    open_run(page, run_name(GOOD), tab="samples", place="3")
    page.get_by_role("link", name="Open in playground").click()
    page.wait_for_function("() => document.querySelector('#prompt')?.value")
    sample = page.request.get(api_path(run_name(GOOD), "/samples/3")).json()["requests"][0]
    prompt = sample["beginning"] + sample["input"] + sample["ending"]
    assert page.locator("#prompt").input_value() == prompt.replace("${", "$${")
    settings = page.locator("#settings").input_value()
    assert f"model: openai-compatible/{GOOD}" in settings
    assert "temperature: 0" in settings


def test_samples_come_by_place_and_in_pages(page: "Page") -> None:
    answer = page.request.get(api_path(LOWER, "/samples?offset=58&limit=10")).json()
    assert (answer["total"], answer["num_all"], len(answer["rows"])) == (60, 60, 2)
    assert [row["place"] for row in answer["rows"]] == [58, 59]
    wrong = page.request.get(api_path(run_name(GOOD), "/samples?filter=wrong&limit=2&offset=1"))
    assert [row["value"] for row in wrong.json()["rows"]] == [0.0, 0.0]
    assert wrong.json()["total"] == 5
    sample = page.request.get(api_path(LOWER, "/samples/0")).json()
    assert [version["place"] for version in sample["versions"]] == [0, 1]
    assert sample["values"]["exact_match_indicator"] in (0.0, 1.0)


# --- Compare ------------------------------------------------------------------------------------


def test_two_models_are_compared_with_what_changed(page: "Page") -> None:
    models = [f"openai-compatible/{model}" for model in (BAD, GOOD)]
    page.goto("/compare?suite=default")
    assert page.locator(".compared").count() == 0
    page.get_by_label("A", exact=True).select_option(models[0])
    page.get_by_label("B", exact=True).select_option(models[1])
    page.get_by_text(re.compile(r"^B is better by \d+\.\d points")).wait_for()
    page.locator(".forest circle").first.wait_for()
    assert page.locator(".forest circle").count() == 1
    page.locator(".compared .mark.good", has_text="better").first.wait_for()
    assert page.locator(".compared .mark.good", has_text="better").count() == 1
    page.locator(".flips h2", has_text="only B right").wait_for()
    page.get_by_text("Not compared: 1 of the tasks").wait_for()
    page.get_by_role("button", name="Swap").click()
    page.get_by_text(re.compile(r"^B is worse by")).wait_for()
    page.locator(".flips tbody a").first.click()
    page.locator("tr.line").first.wait_for()
    answer = page.request.get(f"/api/compare?suite=default&a={run_name(GOOD)}&b={run_name(EQUAL)}")
    assert "No difference could be shown" in answer.json()["verdict"]
    assert page.request.get("/api/compare?suite=default&a=x&b=y").status == 404


# --- All pages ----------------------------------------------------------------------------------


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(
    "view", ["leaderboard", "runs", "compare", "summary", "samples", "spec", "files"]
)
def test_a_page_fits_a_phone_and_names_its_controls(
    browser: "Browser", proxy: ProxyProcess, view: str, theme: Any
) -> None:
    page = new_page(browser, proxy.url, viewport=PHONE, color_scheme=theme)
    log_in(page, proxy)
    if view in ("leaderboard", "runs", "compare"):
        page.goto(f"/{view}?suite=default&a=openai-compatible/{GOOD}&b=openai-compatible/{BAD}")
    else:
        open_run(page, LOWER, tab=view, place="1")
    page.wait_for_load_state("networkidle")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    unnamed = page.evaluate(
        "[...document.querySelectorAll('input, textarea, select, button')].filter(node =>"
        " !node.labels?.length && !node.ariaLabel && !node.textContent.trim())"
        ".map(node => node.outerHTML)"
    )
    assert unnamed == []
    assert problems_of(page) == []


@pytest.mark.parametrize("module", sorted((STATIC / "js").glob("*.js")), ids=lambda path: path.name)
def test_a_module_makes_no_html_and_no_calls_of_its_own(module: Path) -> None:
    code = module.read_text(encoding="utf-8")
    makes_html = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function"
    assert not re.search(makes_html, code)
    assert not re.search(r"\bfetch\(|document\.cookie|https?://", code)
    for imported in re.findall(r'from "([^"]+)"', code):
        own = imported.startswith("./")
        path = module.parent / imported if own else PROXY_STATIC / imported.removeprefix("/static/")
        assert path.is_file()
