"""The pages as plain files: opened from a disk and from a web host, in a real browser."""

import fcntl
import functools
import http.server
import re
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import pytest

from benchmark.web.site.scripts import bundle
from benchmark.web.site.writing import write_site
from browser import new_page, open_browser, problems_of
from common.errors import ConflictError, InvalidRequestError, StorageError
from run_process import Commands, Ended
from some_runs import write_run

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

PHONE = {"width": 390, "height": 844}
IDS = [f"id{number}" for number in range(12)]
HOSTILE = "gsm:x=<img src=x onerror='window.hacked=1'>\\',\u2028\"..,model=m_evil"
GOOD, BAD = "gsm:model=m_good", "gsm:model=m_bad"
PERTURBED = "gsm:data_augmentation=lower,model=m_good"


@pytest.fixture(scope="module")
def commands(tmp_path_factory: pytest.TempPathFactory) -> Commands:
    """A suite of two models, and a run whose name is hostile."""
    commands = Commands(tmp_path_factory.mktemp("suite"), "http://127.0.0.1:9")
    values = {id: float(place < 11) for place, id in enumerate(IDS)}
    worse = {id: float(place < 2) for place, id in enumerate(IDS)}
    for name, own in ((GOOD, values), (BAD, worse), (HOSTILE, worse)):
        write_run(commands.output_path, name, own, answer="SECRET answer")
    write_run(commands.output_path, PERTURBED, values, perturbed=worse)
    return commands


@pytest.fixture(scope="module")
def site(commands: Commands, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("web") / "below" / "a path"
    present(commands, folder).assert_done()
    return folder


def present(commands: Commands, folder: Path) -> Ended:
    return commands.call("benchmark-present", "--static-site", str(folder))


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    with open_browser() as browser:
        yield browser


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="module")
def host(site: Path) -> Iterator[str]:
    """A plain web host, on which the site lies below a path."""
    handler = functools.partial(_Quiet, directory=str(site.parents[1]))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/below/{quote('a path')}/"
    server.shutdown()
    server.server_close()


@pytest.fixture(params=["file", "http"])
def page(request: pytest.FixtureRequest, browser: "Browser", site: Path) -> Iterator["Page"]:
    """A page whose addresses begin where the site lies."""
    is_file = request.param == "file"
    base = f"{site.as_uri()}/" if is_file else request.getfixturevalue("host")
    page = new_page(browser, base)
    asked: list[str] = []
    page.on("request", lambda one: asked.append(one.url))
    yield page
    assert problems_of(page) == []
    assert page.evaluate("window.hacked") is None
    assert [url for url in asked if not url.startswith(base)] == []
    page.context.close()


def open_page(page: "Page", name: str, **parameters: Any) -> None:
    query = urlencode({"suite": "default", **parameters}, doseq=True)
    page.goto(f"{name}.html?{query}")


# --- The pages ------------------------------------------------------------------------------------


def test_the_pages_work_and_lead_to_each_other(page: "Page") -> None:
    open_page(page, "index")
    page.locator(".board tbody tr").nth(2).wait_for()
    assert "91.7" in page.locator(".board tbody tr").first.inner_text()
    page.get_by_role("button", name="Robustness").click()
    page.wait_for_function("() => document.querySelectorAll('.board thead th').length === 2")
    page.go_back()
    page.get_by_label("Group").select_option("GSM8K")
    page.locator("th .sort", has_text="GSM8K").first.wait_for()
    page.locator(".cell-link").first.click()
    page.locator("h1", has_text="gsm:").wait_for()
    assert page.locator("#tabs button").all_inner_texts() == ["Summary", "Specification"]
    page.locator("#nav").get_by_role("link", name="Compare").click()
    page.get_by_label("A", exact=True).select_option("m/bad")
    page.get_by_label("B", exact=True).select_option("m/good")
    page.get_by_text(re.compile(r"^B is better by")).wait_for()
    assert page.get_by_text("SECRET").count() == 0
    page.locator("#nav").get_by_role("link", name="Runs").click()
    page.get_by_text("4 runs").wait_for()
    page.locator("#theme-button").click()


def test_a_run_shows_its_plots(page: "Page") -> None:
    open_page(page, "run", run=PERTURBED)
    page.locator(".chart svg").nth(1).wait_for()
    titles = page.locator(".chart h3").all_inner_texts()
    assert titles == ["Exact match (last word) by version of the instances", *titles[1:]]
    assert "Effect of each perturbation" in titles
    effect = page.locator(".chart", has_text="Effect of each")
    effect.get_by_text("As a table").click()
    assert effect.locator("tbody th").inner_text() == "Lower case"
    assert effect.locator("tbody td").first.inner_text() == "−75.0"


def test_hostile_names_are_names(page: "Page") -> None:
    open_page(page, "runs")
    page.get_by_role("link", name=re.compile("onerror")).click()
    page.locator("h1", has_text="onerror").wait_for()
    page.locator(".main-metric").first.wait_for()


def test_what_is_not_in_the_copy_is_said(page: "Page") -> None:
    open_page(page, "run", run="nothing")
    page.get_by_role("alert").filter(has_text="not a part of this copy").wait_for()


def test_runs_are_found_by_the_search(page: "Page") -> None:
    open_page(page, "compare")
    page.locator("#controls select").first.wait_for()
    page.keyboard.press("Control+k")
    page.get_by_label("Search runs and pages").fill("m_bad")
    page.locator("dialog [role=option]", has_text="m_bad").wait_for()
    page.keyboard.press("Enter")
    page.locator("h1", has_text=BAD).wait_for()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_pages_fit_a_phone(browser: "Browser", site: Path, theme: Any) -> None:
    page = new_page(browser, f"{site.as_uri()}/", viewport=PHONE, color_scheme=theme)
    for name, parameters in (("index", {}), ("run", {"run": [PERTURBED, BAD]})):
        query = urlencode({"suite": "default", **parameters}, doseq=True)
        page.goto(f"{site.as_uri()}/{name}.html?{query}")
        page.locator("table").first.wait_for()
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    assert problems_of(page) == []
    page.context.close()


def test_the_table_is_a_file_too(browser: "Browser", site: Path) -> None:
    page = new_page(browser, f"{site.as_uri()}/")
    page.goto(f"{site.as_uri()}/index.html")
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    assert Path(download.value.path()).read_text().startswith("model,mean win rate")
    page.context.close()


# --- The folder -----------------------------------------------------------------------------------


def test_it_is_small_and_has_no_samples(site: Path) -> None:
    files = [path for path in site.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 500_000
    assert [path for path in files if b"SECRET" in path.read_bytes()] == []
    names = sorted(path.name for path in site.iterdir())
    expected = ["compare.html", "files", "index.html", "leaderboard.html", "run.html", "runs.html"]
    assert names == [*expected, "site.json"]
    for path in files:
        assert re.fullmatch(r"[\w.-]+", path.name), path


def test_its_policy_allows_no_script_in_a_page(site: Path) -> None:
    for path in site.glob("*.html"):
        text = path.read_text()
        [policy] = re.findall(r'Content-Security-Policy" content="([^"]*)"', text)
        assert "default-src 'none'; script-src 'self';" in policy
        assert "unsafe" not in policy
        assert not re.search(r"<script(?![^>]* src=)|<style|style=|https?://| on\w+=", text)
        assert not re.search(r'(href|src)="/', text)


def write(commands: Commands, folder: Path) -> dict[Path, bytes]:
    """Write the site; return all files by their paths."""
    write_site(folder, commands.output_path, "default")
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_it_is_written_anew_beside_files_of_others(commands: Commands, tmp_path: Path) -> None:
    before = write(commands, tmp_path / "site")
    (tmp_path / "site" / "CNAME").write_text("results.example")
    (tmp_path / "site" / "files" / "0123456789abcdef").mkdir()
    after = write(commands, tmp_path / "site")
    assert after.pop(tmp_path / "site" / "CNAME") == b"results.example"
    assert after == before, "the same suite makes the same files"
    assert len(list((tmp_path / "site" / "files").iterdir())) == 1


def test_one_writer_at_a_time(commands: Commands, tmp_path: Path) -> None:
    write(commands, tmp_path)
    with (tmp_path / "site.json").open() as mark:
        fcntl.flock(mark, fcntl.LOCK_EX)
        with pytest.raises(ConflictError, match="another process is writing"):
            write(commands, tmp_path)


def test_a_folder_of_somebody_else_is_left_alone(commands: Commands, tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / "index.html").write_text("mine")
    present(commands, own).assert_failed("holds something else (index.html)", code=2)
    assert [path.name for path in own.iterdir()] == ["index.html"]
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="can't write to"):
        write(commands, tmp_path / "file")
    with pytest.raises(InvalidRequestError, match="holds something else"):
        write(commands, commands.output_path / "runs" / "default")
    site = tmp_path / "site"
    write(commands, site)
    shutil.rmtree(site / "files")
    (site / "files").symlink_to(own)
    with pytest.raises(InvalidRequestError, match="leads elsewhere"):
        write(commands, site)


# --- Scripts --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "source",
    [
        'import { a } from "./b.js"\n',
        'import a from "./a.js";\n',
        'import * as a from "./a.js";\n',
        "export let a = 1;\n",
        "export default 1;\n",
        'const a = import("./a.js");\n',
    ],
    ids=["no semicolon", "default import", "namespace", "variable", "default", "dynamic"],
)
def test_what_can_not_be_put_into_one_script_is_refused(source: str) -> None:
    with pytest.raises(ValueError, match="can't be put into one script"):
        bundle(["/a.js"], {"/a.js": source})


def test_a_module_that_is_missing_is_named() -> None:
    with pytest.raises(ValueError, match=r"no module /b/c\.js"):
        bundle(["/a.js"], {"/a.js": 'import { c } from "./b/c.js";\n'})
