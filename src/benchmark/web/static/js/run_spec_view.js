// What a run was: its specification, who answered, and its files.

import { copy, el } from "/static/js/dom.js";
import { showText } from "/static/js/text.js";

const KILO = 1024;

/** Show the specification as a table of fields, and as JSON. */
export function showSpec(holder, spec) {
  const { name, hash, data_sha256: data, groups, deployment, ...rest } = spec;
  const facts = [
    ["name", name],
    ["hash", hash],
    ["hash of the data", data],
    ["groups", (groups ?? []).join(", ")],
  ];
  const json = JSON.stringify(spec, null, 2);
  holder.replaceChildren(
    section("Run", facts),
    section("Scenario", flat(rest.scenario_spec)),
    section("Adapter", flat(rest.adapter_spec)),
    section("Perturbations", flat(rest.data_augmenter_spec)),
    section("Metrics", (rest.metric_specs ?? []).flatMap((one) => flat(one))),
    section("Who answered", flat(deployment)),
    el(
      "details",
      {},
      el("summary", { textContent: "As JSON" }),
      el("button", {
        type: "button",
        textContent: "Copy",
        onclick: (event) => copy(json, event.currentTarget),
      }),
      box(json),
    ),
  );
}

/** All fields of a specification, by their dotted names. */
export const fieldsOf = (spec) => flat(spec);

// Fields by their dotted names.
function flat(value, path = "") {
  if (value === null || typeof value !== "object" || Array.isArray(value)) {
    return path ? [[path, isPlain(value) ? value : JSON.stringify(value)]] : [];
  }
  return Object.entries(value).flatMap(([name, own]) => flat(own, path ? `${path}.${name}` : name));
}

// White space at the ends of a text, and line ends, would not be seen.
const isPlain = (value) =>
  typeof value === "string" && value !== "" && value.trim() === value && !value.includes("\n");

function section(title, facts) {
  return el(
    "section",
    { class: "block" },
    el("h2", { textContent: title }),
    el(
      "dl",
      { class: "facts" },
      facts.flatMap(([name, value]) => {
        const shown = el("dd", { class: "foreign" });
        showText(shown, String(value ?? ""));
        return [el("dt", { textContent: name }), shown];
      }),
    ),
  );
}

function box(text) {
  const node = el("pre", { class: "text-box foreign" });
  showText(node, text);
  return node;
}

/** Show the files of a run, to be fetched. */
export function showFiles(holder, files, path) {
  const rows = files.map(({ name, size }) =>
    el(
      "tr",
      {},
      el("td", {}, el("a", { href: `${path}/files/${encodeURIComponent(name)}`, download: name, textContent: name })),
      el("td", { class: "number", textContent: sizeText(size) }),
      el("td", { class: "muted", textContent: WHAT[name] ?? "" }),
    ),
  );
  holder.replaceChildren(
    el("table", { class: "files" }, el("tbody", {}, rows)),
    el("p", {
      class: "muted small",
      textContent: "benchmark-export writes all requests with their answers as JSON lines, or as HELM's files.",
    }),
  );
}

const WHAT = {
  "run_spec.json": "what was run",
  "scenario.json": "the scenario and the instances that were evaluated",
  "stats.json": "all statistics",
  "timings.json": "when, how long, how much from the cache",
  "states.sqlite": "all requests, answers and scores of single instances",
};

function sizeText(bytes) {
  const units = ["B", "KB", "MB", "GB"];
  const step = bytes > 0 ? Math.min(3, Math.floor(Math.log(bytes) / Math.log(KILO))) : 0;
  return `${(bytes / KILO ** step).toFixed(step > 0 ? 1 : 0)} ${units[step]}`;
}
