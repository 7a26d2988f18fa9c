// The statistics of a run: metrics by split and version of the instances, with their intervals.

import { el } from "/static/js/dom.js";
import { isNumber } from "/static/js/format.js";

import { emptyState } from "./page.js";
import { decimalsOf, rampClass, scoreNodes, scoreTitle } from "./scores.js";
import { versionText } from "./versions.js";

/** Show the statistics of a run. */
export function showSummary(holder, details) {
  const stats = details.stats.filter((stat) => isNumber(stat.mean));
  if (stats.length === 0) {
    holder.replaceChildren(
      emptyState(
        el("p", { textContent: "Scores come when all answers are there. Samples can be seen before." }),
      ),
    );
    return;
  }
  const main = details.head.score?.metric;
  const isScore = ({ name }) => name.name === main || name.name in details.higher_is_better;
  const scores = stats.filter(isScore);
  const others = stats.filter((stat) => !isScore(stat));
  holder.replaceChildren(
    el("section", { class: "block" }, el("h2", { textContent: "Scores" }), tableOf(scores, details)),
    others.length > 0 &&
      el(
        "details",
        {},
        el("summary", { textContent: `Counts and the like (${new Set(others.map(rowName)).size})` }),
        tableOf(others, details),
      ),
  );
}

const rowName = ({ name }) =>
  [name.name, name.k === undefined ? "" : `@${name.k}`, name.sub_split ? ` (${name.sub_split})` : ""].join("");

const columnName = ({ name }) => JSON.stringify([name.split, name.perturbation]);

function tableOf(stats, details) {
  const columns = new Map();
  const rows = new Map();
  for (const stat of stats) {
    columns.set(columnName(stat), stat.name);
    const row = rows.get(rowName(stat)) ?? new Map();
    row.set(columnName(stat), stat);
    rows.set(rowName(stat), row);
  }
  const order = [...columns].sort(([, a], [, b]) => rank(a) - rank(b) || (columnText(a, details) < columnText(b, details) ? -1 : 1));
  const main = details.head.score?.metric;
  const names = [...rows.keys()].sort((a, b) => (b === main) - (a === main) || (a < b ? -1 : 1));
  const head = [
    el("th", { scope: "col", textContent: "metric" }),
    ...order.map(([, name]) => el("th", { scope: "col", class: "number", textContent: columnText(name, details) })),
  ];
  return el(
    "div",
    { class: "scroll" },
    el(
      "table",
      { class: "sticky-first stats" },
      el("thead", {}, el("tr", {}, head)),
      el("tbody", {}, names.map((name) => rowOf(name, rows.get(name), order, details))),
    ),
  );
}

// Instances as they were, then perturbed ones, then the worst of them.
function rank({ perturbation }) {
  const name = perturbation?.name ?? "identity";
  return name === "identity" ? 0 : name.startsWith("worst_") ? 2 : 1;
}

const columnText = ({ split, perturbation }, { names }) =>
  perturbation ? `${split} · ${versionText(perturbation, names)}` : split;

function rowOf(name, row, order, details) {
  const first = [...row.values()][0].name.name;
  const isProportion = details.proportions.includes(first);
  const higherIsBetter = details.higher_is_better[first];
  const means = [...row.values()].map((stat) => stat.mean);
  const decimals = decimalsOf(means, isProportion);
  const isMain = name === details.head.score?.metric;
  return el(
    "tr",
    { class: isMain ? "main-metric" : "" },
    el(
      "th",
      { scope: "row", title: name },
      (details.names[first] ?? first) + name.slice(first.length),
      isProportion && el("span", { class: "muted", textContent: " %" }),
    ),
    order.map(([key]) => {
      const stat = row.get(key);
      if (!stat) {
        return el("td", { class: "number muted", textContent: "—" });
      }
      const ramp = isMain ? rampClass(stat.mean, means, { isProportion, higherIsBetter }) : "";
      return el(
        "td",
        { class: `number ${ramp}`, title: scoreTitle(stat, isProportion) },
        scoreNodes(stat, isProportion, decimals),
      );
    }),
  );
}
