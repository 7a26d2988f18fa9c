// Several runs side by side: their scores, and what their specifications have in common and not.

import { get } from "/static/js/api.js";
import { el } from "/static/js/dom.js";
import { oneLine } from "/static/js/text.js";

import { parameter, runAddress } from "./address.js";
import { choice } from "./page.js";
import { fieldsOf } from "./run_spec_view.js";
import { decimalsOf, scoreNodes, scoreTitle } from "./scores.js";
import { versionText } from "./versions.js";

const LENGTH = 400;
const ORIGINAL = "original";
const MAX_RUNS = 6; // beside the first

/** Controls that put runs of the suite beside this one, or take them away: `change(names)`. */
export async function runChooser(suite, name, others, change) {
  const { runs } = await get(`/api/runs/${encodeURIComponent(suite)}`);
  const left = runs.map((run) => run.name).filter((one) => one !== name && !others.includes(one));
  const chips = others.map((other) =>
    el("button", {
      type: "button",
      class: "chip",
      title: `Take ${other} away`,
      textContent: `× ${other}`,
      onclick: () => change(others.filter((one) => one !== other)),
    }),
  );
  const isFull = others.length >= MAX_RUNS || left.length === 0;
  return el(
    "div",
    { class: "bar tools beside" },
    isFull ? "" : choice("Beside it", [["", "choose a run"], ...left], "", (own) => own && change([...others, own])),
    chips,
  );
}

/** The fields in which the runs differ, marked, then those that all of them share. */
export function specTable(all) {
  const fields = all.map(({ spec }) => new Map(fieldsOf(spec)));
  const names = [...new Set(fields.flatMap((one) => [...one.keys()]))];
  const valuesOf = (name) => fields.map((one) => one.get(name));
  const isSame = (name) => new Set(valuesOf(name).map((value) => JSON.stringify(value) ?? "")).size === 1;
  const row = (name) =>
    el(
      "tr",
      { class: isSame(name) ? "" : "differs" },
      el("th", { scope: "row", class: "chart-row", textContent: name }),
      valuesOf(name).map((value) => el("td", { class: "mono", textContent: textOf(value), title: textOf(value) })),
    );
  const different = names.filter((name) => !isSame(name));
  const same = names.filter(isSame);
  return el(
    "div",
    {},
    el("h2", { textContent: `${different.length} fields differ` }),
    tableOf(all, different.map(row)),
    el("details", {}, el("summary", { textContent: `${same.length} fields are the same` }), tableOf(all, same.map(row))),
  );
}

const textOf = (value) => (value === undefined ? "—" : oneLine(String(value ?? "null"), LENGTH));

/** The scores of the runs: a row for each metric, split and version of the instances. */
export function scoreTable(all) {
  const [first] = all;
  const rows = new Map();
  all.forEach((details, place) => {
    for (const stat of details.stats) {
      const isShown = stat.name.name === details.head.score?.metric || stat.name.name in details.higher_is_better;
      if (isShown && stat.name.k === undefined && !stat.name.sub_split) {
        const key = JSON.stringify([stat.name.name, stat.name.split, versionOf(stat.name, details.names)]);
        const own = rows.get(key) ?? all.map(() => null);
        own[place] = stat;
        rows.set(key, own);
      }
    }
  });
  const main = first.head.score?.metric;
  const rank = (key) => {
    const [name, , version] = JSON.parse(key);
    return [name === main ? "0" : "1", name, version === ORIGINAL ? "0" : "1", key].join("\n");
  };
  const keys = [...rows.keys()].sort((a, b) => (rank(a) < rank(b) ? -1 : 1));
  return el("section", { class: "block" }, el("h2", { textContent: "Side by side" }), tableOf(all, keys.map((key) => scoreRow(key, rows.get(key), all))));
}

// Instances as they were are called the same with and without perturbed versions beside them.
const versionOf = ({ perturbation }, names) =>
  !perturbation || perturbation.name === "identity" ? ORIGINAL : versionText(perturbation, names);

function scoreRow(key, stats, all) {
  const [name, split, version] = JSON.parse(key);
  const isProportion = all.some(({ proportions }) => proportions.includes(name));
  const decimals = decimalsOf(stats.filter(Boolean).map(({ mean }) => mean), isProportion);
  const title = all.find(({ names }) => names[name])?.names[name] ?? name;
  return el(
    "tr",
    {},
    el(
      "th",
      { scope: "row", class: "chart-row", title: name },
      title,
      isProportion && el("span", { class: "muted", textContent: " %" }),
      el("span", { class: "muted", textContent: ` ${split} · ${version}` }),
    ),
    stats.map((stat) =>
      stat
        ? el("td", { class: "number", title: scoreTitle(stat, isProportion) }, scoreNodes(stat, isProportion, decimals))
        : el("td", { class: "number muted", textContent: "—" }),
    ),
  );
}

function tableOf(all, rows) {
  const head = all.map(({ head: { name } }) =>
    el("th", { scope: "col", class: "several-run" }, el("a", { href: runAddress(parameter("suite"), name), textContent: name })),
  );
  return el(
    "div",
    { class: "scroll", tabIndex: 0, role: "region", "aria-label": "Runs side by side" },
    el(
      "table",
      { class: "sticky-first several" },
      el("thead", {}, el("tr", {}, el("th", { scope: "col", textContent: "" }), head)),
      el("tbody", {}, rows),
    ),
  );
}
