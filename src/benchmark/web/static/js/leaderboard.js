// The leaderboard: models × tasks, sorted and searched here, asked for once.

import { get } from "/static/js/api.js";
import { announce, byId, copy, el } from "/static/js/dom.js";
import { moveWithKeys } from "/static/js/keys.js";

import { addressOf, keep, pageAddress, parameter } from "./address.js";
import { showBoardPlot } from "./board_plot.js";
import { boardTable } from "./board_table.js";
import { watchRuns } from "./live.js";
import { attempt, choice, chosenSuite, emptyState, noRuns, searchField, startPage } from "./page.js";
import { fileAddress } from "./places.js";

const REFRESH_SECONDS = 5; // at most so often: a large table is much work

let board = null;
let suites = [];
let chosen = []; // models to be compared, two at most
let timer = 0;

async function show() {
  await attempt(byId("content"), async () => {
    const found = await chosenSuite();
    suites = found.suites;
    if (!found.suite) {
      byId("content").replaceChildren(noRuns());
      return;
    }
    board = await get(boardPath(found.suite));
    chosen = [];
    showControls();
    await showPlot();
    showTable();
    watchRuns(board.suite, board.updated_at, update);
    board.is_complete || refreshSoon();
  });
}

// Without prices there is still the table.
const showPlot = () => showBoardPlot(byId("plot"), board, board.rows).catch(() => {});

function boardPath(suite, more = {}) {
  const asked = { suite, view: parameter("view"), group: parameter("group"), ...more };
  return addressOf("/api/leaderboard", asked);
}

function pick(changes) {
  keep(changes, { isNew: true });
  show();
}

function showControls() {
  const views = el(
    "div",
    { class: "segments", role: "group", "aria-label": "Metrics" },
    board.views.map(({ name, display_name: label }) =>
      el("button", {
        type: "button",
        "aria-pressed": String(name === board.view),
        textContent: label,
        onclick: () => pick({ view: name, sort: "" }),
      }),
    ),
  );
  const groups = [["", "All"], ...board.groups.map((group) => [group.name, group.display_name])];
  byId("controls").replaceChildren(
    choice("Suite", suites, board.suite, (suite) => pick({ suite, group: "", sort: "" })),
    choice("Group", groups, board.group, (group) => pick({ group, sort: "" })),
    views,
    searchField("Search models", showTable),
    el("a", { id: "compare-link", hidden: true, textContent: "Compare these two" }),
    el("span", { class: "grow" }),
    fileLink("CSV", "csv"),
    fileLink("LaTeX", "latex"),
    el("button", {
      type: "button",
      class: "quiet",
      textContent: "Copy link",
      onclick: (event) => copy(location.href, event.currentTarget),
    }),
  );
}

function choose(model, isChosen) {
  chosen = chosen.filter((other) => other !== model);
  if (isChosen) {
    chosen = [...chosen, model].slice(-2);
    showTable();
  }
  showCompareLink();
}

function showCompareLink() {
  const link = byId("compare-link");
  link.hidden = chosen.length < 2;
  link.href = pageAddress("/compare", { suite: board.suite, a: chosen[0], b: chosen[1] });
}

const fileLink = (label, format) =>
  el("a", {
    class: "file-link",
    href: fileAddress(boardPath(board.suite, { format })),
    textContent: `⤓ ${label}`,
    download: "",
  });

function showTable() {
  const holder = byId("content");
  if (board.columns.length === 0) {
    holder.replaceChildren(
      emptyState(el("p", { textContent: "No run of this suite has a score to show here." })),
      leftOut(),
    );
    return;
  }
  const words = parameter("q").toLowerCase().split(/\s+/).filter(Boolean);
  const rows = board.rows.filter(({ model }) =>
    words.every((word) => model.toLowerCase().includes(word)),
  );
  const table = boardTable(board, rows, {
    sort: parameter("sort"),
    chosen,
    onSort: (sort) => {
      keep({ sort });
      showTable();
      announce(`Sorted by ${sort.replace(/^-/, "")}`);
    },
    onChoose: choose,
  });
  holder.replaceChildren(el("div", { class: "scroll" }, table), legend(), leftOut());
  if (rows.length === 0) {
    holder.prepend(emptyState(el("p", { textContent: "No model has that in its name." })));
  }
}

const legend = () =>
  el("p", {
    class: "muted small board-legend",
    textContent:
      "± is half of the 95 % interval. “=” can't be told from the best of its column: by the " +
      "difference over the same instances, or, marked “≈”, by the intervals. Win rate: share of " +
      "the other models that a model beats in a column, as a mean over columns.",
  });

function leftOut() {
  if (board.left_out.length === 0) {
    return "";
  }
  return el(
    "details",
    { class: "small" },
    el("summary", {
      textContent:
        board.left_out.length === 1
          ? "1 run has no column here"
          : `${board.left_out.length} runs have no column here`,
    }),
    el("ul", {}, board.left_out.map((name) => el("li", { class: "mono", textContent: name }))),
  );
}

function update(changed, gone) {
  const byName = new Map(changed.map((run) => [run.name, run]));
  let isStale = gone.length > 0;
  const rows = board.rows.map((row) => {
    const cells = row.cells.map((cell) => {
      const run = cell && byName.get(cell.run);
      byName.delete(cell?.run);
      if (run && run.status !== cell.status) {
        isStale = true;
      }
      const isFurther = run?.status === "running" && run.status === cell.status;
      return isFurther ? { ...cell, num_done: run.num_done, num_requests: run.num_requests } : cell;
    });
    return cells.some((cell, place) => cell !== row.cells[place]) ? { ...row, cells } : row;
  });
  // Those that have no cell: new ones may get one.
  const others = new Set(board.left_out);
  isStale ||= [...byName.values()].some(({ name, status }) => !others.has(name) || status !== "running");
  if (rows.some((row, place) => row !== board.rows[place])) {
    board = { ...board, rows };
    showTable();
  }
  isStale && refreshSoon();
}

function refreshSoon() {
  timer ||= setTimeout(refresh, REFRESH_SECONDS * 1000);
}

async function refresh() {
  timer = 0;
  try {
    board = await get(boardPath(board.suite));
    await showPlot();
    showTable();
    board.is_complete || refreshSoon();
  } catch {
    // The next change asks again.
  }
}

moveWithKeys(() => [...document.querySelectorAll("tbody a.cell-link")]);
startPage(show);
