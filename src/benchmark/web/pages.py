"""Pages about runs, and the routes that they ask: mounted by `proxy-server` (`proxy.pages`)."""

import math
from collections.abc import Callable, Iterable
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import bottle
import msgspec

from benchmark.run_folder import RunFolder
from benchmark.web import board_files
from benchmark.web.board import MAIN_VIEW
from benchmark.web.board_memory import BoardMemory
from benchmark.web.board_types import Board
from benchmark.web.compared import compare_in_suite
from benchmark.web.live import Streams
from benchmark.web.read_answers import with_read_answers
from benchmark.web.run_details import FILES, RunDetails, SamplesAnswer, read_details, read_samples
from benchmark.web.run_files import (
    RunHead,
    known_run,
    known_runs,
    read_head,
    run_folder,
    run_folders,
    suite_names,
)
from benchmark.web.run_plots import RunPlots, read_plots
from benchmark.web.sample import Asked, Sample
from benchmark.web.search import Place, find_places
from benchmark.web.states_queries import FILTERS
from benchmark.web.states_view import StatesView
from common.errors import InvalidRequestError, NotFoundError, UnknownNameError
from proxy.routes.page_files import Link, read_files
from proxy.routes.page_routes import send_file
from proxy.routes.web import Context, authenticate, json_answer

STATIC = Path(__file__).parent / "static"
LEADERBOARD = Link("Leaderboard", "/leaderboard")
RUNS = Link("Runs", "/runs", search="/api/search")
COMPARE = Link("Compare", "/compare")

_MAX_ROWS = 200
_MAX_QUERY = 200
_FORMATS: dict[str, tuple[str, Callable[[Board], str]]] = {
    "csv": ("text/csv; charset=utf-8", board_files.to_csv),
    "latex": ("text/plain; charset=utf-8", board_files.to_latex),
}


class SuitesAnswer(msgspec.Struct, frozen=True):
    """All suites, that of the last change first."""

    suites: list[str]


class SearchAnswer(msgspec.Struct, frozen=True):
    """What was found, the best first."""

    places: list[Place]


class RunsAnswer(msgspec.Struct, frozen=True):
    """All runs of a suite."""

    suite: str
    runs: list[RunHead]


def add_routes(app: bottle.Bottle, context: Context) -> Iterable[Link]:
    """Add the pages about runs to `app`; return their links in the header."""
    routes = _Routes(context)
    run = "/api/runs/<suite>/<run>"
    for path, handler in {
        LEADERBOARD.path: routes.get_leaderboard_page,
        RUNS.path: routes.get_runs_page,
        COMPARE.path: routes.get_compare_page,
        "/static/benchmarking.html": routes.get_old_page,
        "/static/benchmark/<path:path>": routes.get_file,
        "/api/leaderboard": routes.get_leaderboard,
        "/api/compare": routes.get_comparison,
        "/api/search": routes.get_places,
        "/api/runs": routes.get_suites,
        "/api/runs/<suite>": routes.get_runs,
        "/api/runs/<suite>/events": routes.get_events,
        run: routes.get_run,
        f"{run}/files/<name>": routes.get_run_file,
        f"{run}/plots": routes.get_plots,
        f"{run}/samples": routes.get_samples,
        f"{run}/samples/<place:int>": routes.get_sample,
    }.items():
        app.route(path, "GET", handler)
    return LEADERBOARD, RUNS, COMPARE


class _Routes:
    def __init__(self, context: Context) -> None:
        self._context = context
        self._files = read_files(STATIC)
        self._boards = BoardMemory()
        self._streams = Streams(context.operations.is_draining)

    # --- Pages ----------------------------------------------------------------------------------

    def get_leaderboard_page(self) -> bytes:
        """The leaderboard of a suite."""
        return self.get_file("leaderboard.html")

    def get_runs_page(self) -> bytes:
        """The runs of a suite; with `run` in the query, that run."""
        return self.get_file("run.html" if _text("run") else "runs.html")

    def get_compare_page(self) -> bytes:
        """Two runs, or two models, side by side."""
        return self.get_file("compare.html")

    def get_old_page(self) -> bytes:
        """Leads from the reference's address of results to today's pages."""
        suite, group, run = _text("suite"), _text("group"), _text("runSpec")
        asked = {"suite": suite, "run": run} if run else {"suite": suite, "group": group}
        query = urlencode({name: value for name, value in asked.items() if value})
        path = RUNS.path if run else LEADERBOARD.path
        bottle.response.status = int(HTTPStatus.SEE_OTHER)
        bottle.response.headers["Location"] = f"{path}?{query}" if query else path
        return b""

    def get_file(self, path: str) -> bytes:
        """A file of the pages about runs."""
        file = self._files.get(path)
        if file is None:
            raise bottle.HTTPError(HTTPStatus.NOT_FOUND)
        return send_file(file)

    # --- What they ask --------------------------------------------------------------------------

    def get_suites(self) -> bytes:
        """The names of all suites of results."""
        authenticate(self._context)
        return json_answer(SuitesAnswer(suite_names(self._context.output_path)))

    def get_runs(self, suite: str) -> bytes:
        """All runs of a suite, and how they stand."""
        authenticate(self._context)
        folders = run_folders(self._context.output_path, suite)
        return json_answer(RunsAnswer(suite, [read_head(folder) for folder in folders]))

    def get_events(self, suite: str) -> Iterable[bytes] | bytes:
        """Runs of a suite as they change, as server-sent events; 204 where no thread is free."""
        authenticate(self._context)
        since = _seconds("since")
        events = self._streams.open(self._context.output_path, suite, since)
        if events is None:
            # Tells a browser to stop asking for events; it asks for the list again and again.
            bottle.response.status = int(HTTPStatus.NO_CONTENT)
            return b""
        bottle.response.content_type = "text/event-stream; charset=utf-8"
        bottle.response.headers["X-Accel-Buffering"] = "no"  # nginx would wait for a full buffer
        return events

    def get_leaderboard(self) -> bytes:
        """The leaderboard of a suite, as JSON or as a file."""
        authenticate(self._context)
        suite = _text("suite")
        if not suite:
            raise InvalidRequestError("the leaderboard needs ?suite=NAME; /api/runs lists them")
        runs = known_runs(self._context.output_path, suite)
        view, group = _text("view") or MAIN_VIEW, _text("group")
        board = self._boards.board(suite, runs, view=view, group=group)
        name = _text("format")
        if not name:
            return json_answer(board)
        if name not in _FORMATS:
            raise UnknownNameError("format", name, _FORMATS)
        bottle.response.content_type, write = _FORMATS[name]
        bottle.response.headers["Content-Disposition"] = (
            f'attachment; filename="leaderboard.{board_files.SUFFIXES[name]}"'
        )
        return write(board).encode()

    def get_comparison(self) -> bytes:
        """What `b` does better or worse than `a`: both runs, or both models, of a suite."""
        authenticate(self._context)
        suite, a, b = _text("suite"), _text("a"), _text("b")
        if not (suite and a and b):
            raise InvalidRequestError("a comparison needs ?suite=, &a= and &b=")
        return json_answer(compare_in_suite(self._context.output_path, suite, a, b))

    def get_places(self) -> bytes:
        """Runs, tasks and samples that have the words of `q`."""
        authenticate(self._context)
        found = find_places(self._context.output_path, _text("q"), _text("suite"), _text("run"))
        return json_answer(SearchAnswer(found))

    def get_run(self, suite: str, run: str) -> bytes:
        """A run: what it is, its statistics, and how it stands."""
        authenticate(self._context)
        details: RunDetails = read_details(run_folder(self._context.output_path, suite, run))
        return json_answer(details)

    def get_run_file(self, suite: str, run: str, name: str) -> Any:
        """A file of a run."""
        authenticate(self._context)
        folder = run_folder(self._context.output_path, suite, run)
        if name not in FILES:
            raise NotFoundError(f"of a run there are these files: {', '.join(FILES)}")
        return bottle.static_file(name, root=folder.path, download=name)

    def get_plots(self, suite: str, run: str) -> bytes:
        """What is drawn of a run: effects of perturbations, calibration, times."""
        authenticate(self._context)
        plots: RunPlots = read_plots(run_folder(self._context.output_path, suite, run))
        return json_answer(plots)

    def get_samples(self, suite: str, run: str) -> bytes:
        """Samples of a run, from `offset`, and how many there are."""
        authenticate(self._context)
        folder = run_folder(self._context.output_path, suite, run)
        asked = Asked(_text("filter"), _text("q"), _text("split"), _text("perturbation"))
        if asked.filter not in FILTERS:
            raise UnknownNameError("filter", asked.filter, FILTERS)
        limit = min(_number("limit", 50), _MAX_ROWS)
        answer: SamplesAnswer = read_samples(folder, asked, _number("offset", 0), limit)
        return json_answer(answer)

    def get_sample(self, suite: str, run: str, place: int) -> bytes:
        """One sample of a run: instance, prompts, answers, scores."""
        authenticate(self._context)
        folder = run_folder(self._context.output_path, suite, run)
        if not 0 <= place < 2**62:
            raise NotFoundError(f"a run has no answer at place {place}")
        with StatesView(folder.states_path) as states:
            sample: Sample = states.sample(place, num_trials=_num_trials(folder))
        spec = known_run(folder).record.run_spec.adapter_spec
        return json_answer(with_read_answers(sample, spec))


def _num_trials(folder: RunFolder) -> int:
    return max(1, known_run(folder).record.run_spec.adapter_spec.num_train_trials)


def _text(name: str) -> str:
    """A parameter of the query; "" if it is not there."""
    return str(bottle.request.query.getunicode(name) or "")[:_MAX_QUERY]


def _seconds(name: str) -> float:
    text = _text(name) or "0"
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < math.inf:
        raise InvalidRequestError(f"{name} must be seconds since the epoch, not {text!r}")
    return seconds


def _number(name: str, usual: int) -> int:
    text = _text(name)
    if not text:
        return usual
    if not (text.isascii() and text.isdecimal() and len(text) < 19):
        raise InvalidRequestError(f"{name} must be a whole number, not {text!r}")
    return int(text)
