// The runs of a suite: those under way on top, live.

import { get } from "/static/js/api.js";
import { announce, byId, copy, el } from "/static/js/dom.js";
import { ago, exactTime } from "/static/js/format.js";
import { moveWithKeys } from "/static/js/keys.js";

import { keep, parameter, runAddress } from "./address.js";
import { watchRuns } from "./live.js";
import { describeProgress, outcomeBar, statusMark } from "./outcomes.js";
import { Pace } from "./pace.js";
import { attempt, choice, chosenSuite, emptyState, noRuns, searchField, startPage } from "./page.js";
import { decimalsOf, scoreNodes, scoreTitle } from "./scores.js";

const SHOWN = 500;

const paces = new Map(); // by run
let suite = "";
let runs = [];
let numShown = SHOWN;

async function show() {
  await attempt(byId("content"), async () => {
    const found = await chosenSuite();
    if (!found.suite) {
      byId("content").replaceChildren(noRuns());
      return;
    }
    suite = found.suite;
    numShown = SHOWN;
    ({ runs } = await get(`/api/runs/${encodeURIComponent(suite)}`));
    runs.forEach(notePace);
    byId("controls").replaceChildren(
      choice("Suite", found.suites, suite, (name) => {
        keep({ suite: name }, { isNew: true });
        show();
      }),
      searchField("Search runs", showTable),
      el("span", { id: "counts", class: "muted", role: "status" }),
      el("span", { class: "grow" }),
      el("button", {
        type: "button",
        class: "quiet",
        textContent: "Copy link",
        onclick: (event) => copy(location.href, event.currentTarget),
      }),
    );
    showTable();
    watchRuns(suite, Math.max(0, ...runs.map((run) => run.updated_at ?? 0)), update);
  });
}

function notePace(run) {
  if (run.status === "running") {
    paces.has(run.name) || paces.set(run.name, new Pace());
    paces.get(run.name).note(run);
  } else {
    paces.delete(run.name);
  }
}

function update(changed, gone) {
  const now = new Map(runs.map((run) => [run.name, run]));
  gone.forEach((name) => now.delete(name));
  for (const run of changed) {
    if (now.get(run.name)?.status === "running" && run.status !== "running") {
      announce(`${run.name}: ${run.status}`);
    }
    now.set(run.name, run);
    notePace(run);
  }
  runs = [...now.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  showTable();
}

const ORDER = ["running", "stopped", "incomplete", "unreadable"];
const place = ({ status }) => (ORDER.includes(status) ? ORDER.indexOf(status) : ORDER.length);

function showTable() {
  const words = parameter("q").toLowerCase().split(/\s+/).filter(Boolean);
  const found = runs
    .filter((run) => words.every((word) => `${run.name} ${run.status}`.toLowerCase().includes(word)))
    .sort((a, b) => place(a) - place(b));
  const numRunning = runs.filter((run) => run.status === "running").length;
  const counts = byId("counts");
  if (counts) {
    counts.textContent = `${runs.length} runs${numRunning ? `, ${numRunning} running` : ""}`;
  }
  if (found.length === 0) {
    byId("content").replaceChildren(
      runs.length === 0
        ? noRuns()
        : emptyState(el("p", { textContent: "No run has that in its name." })),
    );
    return;
  }
  const focused = document.activeElement?.closest?.("tr")?.dataset.run;
  const names = ["run", "status", "score", "requests", "", "changed"];
  const head = names.map((name) =>
    el("th", { scope: "col", class: name === "score" ? "number" : "", textContent: name }),
  );
  const table = el(
    "table",
    { class: "runs sticky-first" },
    el("thead", {}, el("tr", {}, head)),
    el("tbody", {}, found.slice(0, numShown).map(rowOf)),
  );
  const more =
    found.length > numShown &&
    el("button", {
      type: "button",
      textContent: `Show ${Math.min(SHOWN, found.length - numShown)} more`,
      onclick: () => {
        numShown += SHOWN;
        showTable();
      },
    });
  byId("content").replaceChildren(el("div", { class: "scroll" }, table), more || "");
  const row = focused && [...table.querySelectorAll("tr")].find((own) => own.dataset.run === focused);
  row?.querySelector("a").focus();
}

function rowOf(run) {
  const link = el("a", { href: runAddress(suite, run.name), textContent: run.name });
  const all = run.num_requests;
  const done = run.num_done.toLocaleString("en");
  const requests = all && run.num_done !== all ? `${done} of ${all.toLocaleString("en")}` : done;
  const isRunning = run.status === "running";
  const pace = paces.get(run.name)?.describe(all) ?? "";
  const row = el(
    "tr",
    {},
    el("th", { scope: "row", class: "run-name" }, link),
    el("td", {}, statusMark(run)),
    scoreCell(run.score),
    el(
      "td",
      { class: "requests" },
      [requests, pace].filter(Boolean).join(" · "),
      isRunning && el("div", { class: "muted small", textContent: describeProgress(run) }),
    ),
    el("td", { class: "outcome-cell" }, outcomeBar(run.outcomes, all)),
    el("td", { textContent: ago(run.updated_at), title: exactTime(run.updated_at) }),
  );
  row.dataset.run = run.name;
  return row;
}

function scoreCell(score) {
  if (!score) {
    return el("td", { class: "number muted", textContent: "—" });
  }
  const decimals = decimalsOf([score.mean], score.is_proportion);
  const title = `${score.metric} · ${scoreTitle(score, score.is_proportion)}`;
  return el("td", { class: "number", title }, scoreNodes(score, score.is_proportion, decimals));
}

moveWithKeys(() => [...document.querySelectorAll("tbody th a")]);
startPage(show);
