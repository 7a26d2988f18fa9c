// Two models, or two runs, of a suite: the verdict, the tasks, and the instances that changed.

import { get } from "/static/js/api.js";
import { byId, copy, el } from "/static/js/dom.js";
import { moveWithKeys } from "/static/js/keys.js";
import { nodesOf, oneLine } from "/static/js/text.js";

import { addressOf, keep, parameter, runAddress } from "./address.js";
import { forestPlot } from "./forest_plot.js";
import { attempt, choice, chosenSuite, emptyState, noRuns, startPage } from "./page.js";
import { scoreText } from "./scores.js";

const LENGTH = 60;
const SHOWN = 20;

async function show() {
  await attempt(byId("content"), async () => {
    const { suites, suite } = await chosenSuite();
    if (!suite) {
      byId("content").replaceChildren(noRuns());
      return;
    }
    await showControls(suites, suite);
    const [a, b] = [parameter("a"), parameter("b")];
    if (!a || !b) {
      byId("content").replaceChildren(
        emptyState(
          el("p", {
            textContent:
              "Choose two models, or two runs. They are compared on the instances that both " +
              "were asked about.",
          }),
        ),
      );
      return;
    }
    byId("content").replaceChildren(el("p", { class: "skeleton busy", textContent: "comparing" }));
    showComparison(await get(addressOf("/api/compare", { suite, a, b })));
  });
}

async function showControls(suites, suite) {
  const { runs } = await get(`/api/runs/${encodeURIComponent(suite)}`);
  const finished = runs.filter((run) => run.score);
  const models = [...new Set(finished.map((run) => run.model))].sort();
  const names = [["", "—"], ...models, ...finished.map((run) => run.name)];
  const pick = (changes) => {
    keep(changes, { isNew: true });
    show();
  };
  byId("controls").replaceChildren(
    choice("Suite", suites, suite, (name) => pick({ suite: name, a: "", b: "" })),
    choice("A", names, parameter("a"), (a) => pick({ a })),
    choice("B", names, parameter("b"), (b) => pick({ b })),
    el("button", {
      type: "button",
      textContent: "⇄ Swap",
      onclick: () => pick({ a: parameter("b"), b: parameter("a") }),
    }),
    el("span", { class: "grow" }),
    el("button", {
      type: "button",
      class: "quiet",
      textContent: "Copy link",
      onclick: (event) => copy(location.href, event.currentTarget),
    }),
  );
}

function showComparison(answer) {
  const skipped = Object.entries(answer.skipped);
  byId("content").replaceChildren(
    el("p", { class: "verdict", textContent: `${answer.verdict}.` }),
    el("div", { class: "scroll" }, forestPlot(answer.tasks)),
    tasksTable(answer),
    ...answer.tasks.map((task) => flips(answer.suite, task)),
    skipped.length > 0
      ? el(
          "details",
          { class: "small" },
          el("summary", { textContent: `Not compared: ${skipped.length} of the tasks` }),
          el("ul", {}, skipped.map(([task, why]) => el("li", { textContent: `${task}: ${why}` }))),
        )
      : "",
  );
}

function tasksTable(answer) {
  const names = ["task", "metric", "A", "B", "B − A", "95 % interval", "n", "p", ""];
  const head = names.map((name, place) =>
    el("th", { scope: "col", class: place > 1 && place < 8 ? "number" : "", textContent: name }),
  );
  return el(
    "div",
    { class: "scroll" },
    el(
      "table",
      { class: "sticky-first compared" },
      el("thead", {}, el("tr", {}, head)),
      el("tbody", {}, answer.tasks.map((task) => taskRow(answer.suite, task))),
    ),
  );
}

function taskRow(suite, { comparison, is_better: isBetter, is_worse: isWorse, verdict }) {
  const { difference, is_proportion: isProportion } = comparison;
  const write = (value) => scoreText(value, isProportion, isProportion ? 1 : 3);
  const cell = (text, href = null) =>
    el("td", { class: "number" }, href ? el("a", { href, textContent: text }) : text);
  const interval = difference.interval ? difference.interval.map(write).join(" to ") : "—";
  const p = comparison.adjusted_p_value;
  return el(
    "tr",
    { title: verdict },
    el("th", { scope: "row", class: "model-name", textContent: comparison.task }),
    el("td", { class: "muted", textContent: comparison.metric }),
    cell(write(difference.mean_a), runAddress(suite, comparison.run_a)),
    cell(write(difference.mean_b), runAddress(suite, comparison.run_b)),
    cell(`${difference.difference > 0 ? "+" : ""}${write(difference.difference)}`),
    cell(interval),
    cell(difference.n.toLocaleString("en")),
    cell(p === null ? "—" : p < 0.001 ? "<0.001" : p.toFixed(3)),
    el("td", {}, sign(isBetter, isWorse)),
  );
}

function sign(isBetter, isWorse) {
  if (isBetter || isWorse) {
    return el("span", {
      class: `mark ${isBetter ? "good" : "bad"}`,
      textContent: isBetter ? "better" : "worse",
    });
  }
  return el("span", { class: "muted", textContent: "no difference shown" });
}

function flips(suite, { comparison, num_changes: total }) {
  const { changes, task, run_a: runA, run_b: runB, is_proportion: isProportion } = comparison;
  if (total === 0) {
    return "";
  }
  const write = (value) => scoreText(value, false, isProportion && value % 1 ? 2 : 1);
  const sample = (run, id) => runAddress(suite, run, { tab: "samples", q: id });
  const answerCell = (run, id, value, answer) =>
    el(
      "td",
      {},
      el("a", { href: sample(run, id), textContent: write(value) }),
      el("span", { class: "foreign flip" }, " ", nodesOf(oneLine(answer ?? "", LENGTH))),
    );
  const head = ["instance", "A", "B"].map((name) => el("th", { scope: "col", textContent: name }));
  const rows = changes.map((change) =>
    el(
      "tr",
      {},
      el("td", { class: "mono", textContent: change.id }),
      answerCell(runA, change.id, change.value_a, change.answer_a),
      answerCell(runB, change.id, change.value_b, change.answer_b),
    ),
  );
  const body = el("tbody", {}, rows.slice(0, SHOWN));
  const more =
    rows.length > SHOWN &&
    el("button", {
      type: "button",
      textContent: `Show ${rows.length - SHOWN} more`,
      onclick: (event) => {
        body.append(...rows.slice(SHOWN));
        event.currentTarget.remove();
      },
    });
  return el(
    "section",
    { class: "block flips" },
    el(
      "h2",
      {},
      `${total.toLocaleString("en")} instances differ `,
      el("span", { class: "muted", textContent: `${task} · ${describe(comparison)}` }),
    ),
    // A copy of the pages says how many differ, and not which.
    rows.length > 0 &&
      el("div", { class: "scroll" }, el("table", {}, el("thead", {}, el("tr", {}, head)), body)),
    more || "",
  );
}

function describe({ difference: { only_a: onlyA, only_b: onlyB } }) {
  return onlyA === null ? "" : `only A right ${onlyA}, only B right ${onlyB}`;
}

moveWithKeys(() => [...document.querySelectorAll(".flips tbody a")]);
startPage(show);
