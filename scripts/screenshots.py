#!/usr/bin/env python3
"""Make the pictures of README.md and docs/: real runs, a real proxy-server, a headless Chromium.

    venv/bin/python scripts/screenshots.py

Runs the tasks of docs/tutorial.md on its two models, serves the runs, and writes what the pages
show to docs/pictures/. Times are in the pictures: make them on a machine that does nothing else.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlencode

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from browser import log_in, new_page, open_browser, problems_of  # noqa: E402
from proxy_process import ProxyProcess  # noqa: E402

if TYPE_CHECKING:
    from playwright.sync_api import Page

SUITE = "tutorial"
EMBEDDED, COPYING = "local/smollm2-135m-instruct", "simple/model1"
CAPITALS = "custom:path=questions.jsonl,max_tokens=10"
ENTRIES = (CAPITALS, "dyck_language:num_parenthesis_pairs=2")
NUM_INSTANCES = 12
WIDTH = 1100
PATIENCE_MILLISECONDS = 120_000  # for answers of the embedded model
MAX_BYTES = 300_000


def main() -> int:
    """Run the command; return its exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--pictures", type=Path, default=ROOT / "docs" / "pictures")
    args = parser.parse_args()
    args.pictures.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="screenshots.") as name:
        folder = Path(name)
        (folder / "prod_env").mkdir()
        (folder / "prod_env" / "models").symlink_to(ROOT / "prod_env" / "models")
        (folder / "questions.jsonl").write_text(questions(), encoding="utf-8")
        for model in (EMBEDDED, COPYING):
            evaluate(folder, model)
        with ProxyProcess(folder, "--output-path", str(folder / "out")) as proxy:
            take_all(proxy, args.pictures)
    too_large = [path for path in args.pictures.iterdir() if path.stat().st_size > MAX_BYTES]
    for path in too_large:
        print(f"{path} is larger than {MAX_BYTES:,} bytes", file=sys.stderr)
    return 1 if too_large else 0


def questions() -> str:
    """The file of questions that the tutorial writes."""
    tutorial = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
    return tutorial.partition("```text questions\n")[2].partition("```")[0]


def evaluate(folder: Path, model: str) -> None:
    """Run the tasks on a model."""
    command = [
        *(sys.executable, "-m", "benchmark.run", "--model", model, "-r", *ENTRIES),
        *("-m", str(NUM_INSTANCES), "--suite", SUITE, "-o", str(folder / "out")),
        *("--local-path", str(folder / "prod_env")),
    ]
    subprocess.run(command, check=True, cwd=folder)


def take_all(proxy: ProxyProcess, pictures: Path) -> None:
    """Write a picture of each page."""
    with open_browser() as browser:
        for name, (show, height) in PAGES.items():
            size = {"width": WIDTH, "height": height}
            page = new_page(browser, proxy.url, viewport=size, color_scheme="light")
            log_in(page, proxy)
            show(page)
            page.evaluate("scrollTo(0, 0)")
            path = pictures / f"{name}.png"
            page.screenshot(path=path, animations="disabled", full_page=name in WHOLE)
            problems = problems_of(page)
            page.context.close()
            if problems:
                raise SystemExit(f"{name}: {problems}")
            print(f"{path} ({path.stat().st_size:,} bytes)")


def show_leaderboard(page: "Page") -> None:
    """Two models, two tasks."""
    page.goto(f"/leaderboard?suite={SUITE}")
    page.locator(".board tbody tr").nth(1).wait_for()
    page.wait_for_load_state("networkidle")


def show_run(page: "Page") -> None:
    """The scores of one run."""
    page.goto(f"/runs?{urlencode({'suite': SUITE, 'run': run_name(EMBEDDED)})}")
    page.locator("tr.main-metric").first.wait_for()
    page.wait_for_load_state("networkidle")


def show_samples(page: "Page") -> None:
    """One sample with its tokens."""
    query = {"suite": SUITE, "run": run_name(EMBEDDED), "tab": "samples"}
    page.goto(f"/runs?{urlencode(query)}")
    page.locator("tr.line").nth(1).click()
    page.locator("#sample .tokens .token").first.hover()
    page.locator("#sample .candidates li.chosen").wait_for()


def show_comparison(page: "Page") -> None:
    """The verdict over two tasks."""
    page.goto(f"/compare?{urlencode({'suite': SUITE, 'a': COPYING, 'b': EMBEDDED})}")
    page.locator("#content svg").first.wait_for()
    page.wait_for_load_state("networkidle")


def show_playground(page: "Page") -> None:
    """A prompt with a variable, and its answers with the colours of their tokens."""
    query = {
        "prompt": "The capital of ${country} is",
        "settings": f"model: {EMBEDDED}\ntemperature: 0\nmax_tokens: 12",
        "environments": "country: [France, Japan, Peru]",
    }
    page.goto(f"/?{urlencode(query)}")
    page.wait_for_function(
        "() => document.querySelector('#account-button').title.includes('in with')"
    )
    page.locator("#settings").press("Control+Enter")
    page.locator("tr.line .mark.good").nth(2).wait_for(timeout=PATIENCE_MILLISECONDS)


def run_name(model: str) -> str:
    """The folder of the run of the questions on a model."""
    return f"{CAPITALS},model={model.replace('/', '_')}"


# Shown to their end, whatever stands there; the others are lists.
WHOLE = ("leaderboard", "run")
# Name of the picture → what it shows, and how high it is at least.
PAGES: dict[str, tuple[Callable[["Page"], None], int]] = {
    "leaderboard": (show_leaderboard, 300),
    "run": (show_run, 300),
    "samples": (show_samples, 760),
    "compare": (show_comparison, 620),
    "playground": (show_playground, 860),
}


if __name__ == "__main__":
    sys.exit(main())
