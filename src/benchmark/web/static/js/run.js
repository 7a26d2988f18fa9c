// One run: how it went, what it measured, its samples, what it was, its files.

import { get } from "/static/js/api.js";
import { byId, copy, el } from "/static/js/dom.js";
import { ago, costOf, count, exactTime, milliseconds, money, percent } from "/static/js/format.js";
import { modelNamed } from "/static/js/info.js";
import { moveWithKeys } from "/static/js/keys.js";

import { allOf, keep, pageAddress, parameter, runPath } from "./address.js";
import { watchRuns } from "./live.js";
import { describeOutcomes, describeProgress, outcomeBar, statusMark } from "./outcomes.js";
import { duration, Pace } from "./pace.js";
import { attempt, startPage } from "./page.js";
import { Samples } from "./samples.js";
import { decimalsOf, scoreNodes, scoreTitle } from "./scores.js";
import { plotsHolder, showPlots } from "./run_plots.js";
import { showFiles, showSpec } from "./run_spec_view.js";
import { runChooser, scoreTable, specTable } from "./several_runs.js";
import { showSummary } from "./summary.js";

const TABS = { summary: "Summary", samples: "Samples", spec: "Specification", files: "Files" };

const LASTING = new Set(["summary", "spec"]);

const suite = () => parameter("suite");
const tab = () => (tabs().includes(parameter("tab")) ? parameter("tab") : "summary");
const others = () => allOf("run").slice(1); // the first is the page's own
// A copy of the pages has no samples and no files.
const tabs = () => Object.keys(TABS).filter((name) => LASTING.has(name) || details?.files.length !== 0);
const pace = new Pace();
let details = null;
let samples = null;
let beside = []; // details of the other runs

async function show() {
  document.title = `${parameter("run")} · bench`;
  await attempt(byId("content"), async () => {
    await load();
    showTabs();
    await showTab();
    watchRuns(suite(), details.head.updated_at ?? 0, update);
  });
}

async function load() {
  [details, ...beside] = await Promise.all(allOf("run").map((name) => get(runPath(suite(), name))));
  pace.note(details.head);
  showHead();
}

function showHead() {
  const { head, timings } = details;
  const finished = timings.finished_at;
  byId("run-head").replaceChildren(
    el(
      "p",
      { class: "small path" },
      el("a", { href: pageAddress("/runs", { suite: suite() }), textContent: suite() }),
      head.model && ` · ${head.model}`,
      head.group && ` · ${head.group}`,
    ),
    el("h1", { id: "run-name", textContent: head.name }),
    el(
      "div",
      { class: "run-facts" },
      statusMark(head),
      head.score && scoreFact(head.score),
      el(
        "span",
        { class: "inline" },
        outcomeBar(head.outcomes, head.num_requests, 200),
        el("span", { id: "outcomes", textContent: requestsText(head) }),
      ),
      ...usageFacts(),
      el("span", {
        class: "muted",
        textContent: finished ? `finished ${ago(finished)}` : `last answer ${ago(head.updated_at)}`,
        title: exactTime(finished ?? head.updated_at),
      }),
      el("button", {
        type: "button",
        class: "quiet",
        textContent: "Copy link",
        onclick: (event) => copy(location.href, event.currentTarget),
      }),
    ),
    head.problem && el("p", { class: "notice bad", textContent: head.problem }),
  );
}

function requestsText(head) {
  const all = head.num_requests;
  const left = all && head.num_done < all ? `${head.num_done.toLocaleString("en")} of ${all.toLocaleString("en")}: ` : "";
  const outcomes = `${left}${describeOutcomes(head.outcomes) || "no answers yet"}`;
  if (head.status !== "running") {
    return outcomes;
  }
  return [outcomes, pace.describe(all), describeProgress(head)].filter(Boolean).join(" · ");
}

function scoreFact(score) {
  const name = details.names[score.metric] ?? score.metric;
  const decimals = decimalsOf([score.mean], score.is_proportion);
  return el(
    "span",
    { class: "headline", title: scoreTitle(score, score.is_proportion) },
    `${name} `,
    el("strong", {}, scoreNodes(score, score.is_proportion, decimals)),
    score.is_proportion && el("span", { class: "muted", textContent: " %" }),
  );
}

function usageFacts() {
  const { usage, timings } = details;
  const prompt = (usage.prompt_tokens ?? 0) + (usage.prompt_tokens_from_cache ?? 0);
  const completion = (usage.completion_tokens ?? 0) + (usage.completion_tokens_from_cache ?? 0);
  const facts = [];
  if (prompt + completion > 0) {
    facts.push(
      el("span", {
        textContent: `${count(prompt + completion)} tokens`,
        title: `${prompt.toLocaleString("en")} of prompts, ${completion.toLocaleString("en")} of completions`,
      }),
      el("span", { id: "cost", hidden: true }),
    );
    showCost();
  }
  const { num_cached: cached, num_requests: all } = timings;
  if (all > 0 && cached !== undefined) {
    const share = cached > 0 ? percent(cached / all) : "none";
    facts.push(el("span", { textContent: `${share} from the cache` }));
  }
  const runtime = timings.stats?.find((stat) => stat.name.name === "inference_runtime");
  if (runtime?.mean) {
    facts.push(el("span", { textContent: `${briefly(runtime.mean)} a request` }));
  }
  return facts;
}

const briefly = (seconds) => (seconds < 1 ? `${milliseconds(seconds)} ms` : duration(seconds));

// Prices are the server's, as of now.
async function showCost() {
  const model = await modelNamed(details.head.model).catch(() => null);
  const cost = costOf({ cached: false, usage: details.usage }, model?.prices);
  const place = byId("cost");
  if (place && cost !== null && Number.isFinite(cost)) {
    place.textContent = money(cost);
    place.title = "what its answers cost at today's prices, less those from the cache";
    place.hidden = false;
  }
}

function showTabs() {
  const holder = byId("tabs");
  holder.hidden = false;
  holder.replaceChildren(
    ...tabs().map((name) =>
      el("button", {
        type: "button",
        role: "tab",
        id: `tab-${name}`,
        "aria-selected": String(name === tab()),
        textContent: TABS[name],
        onclick: () => {
          keep({ tab: name, place: "", offset: "", filter: "", q: "" }, { isNew: true });
          showTabs();
          attempt(byId("content"), showTab);
        },
      }),
    ),
  );
}

async function showTab() {
  const holder = byId("content");
  samples = null;
  if (tab() === "samples") {
    samples = new Samples(holder, runPath(suite(), parameter("run")), details);
    await samples.show();
  } else if (tab() === "spec") {
    await showSpecs(holder);
  } else if (tab() === "files") {
    showFiles(holder, details.files, runPath(suite(), parameter("run")));
  } else {
    showSummary(holder, details);
    beside.length > 0 && holder.prepend(scoreTable([details, ...beside]));
    const plots = plotsHolder();
    holder.append(plots);
    await attempt(plots, () => showPlots(plots, details, runPath(suite(), parameter("run"))));
  }
}

async function showSpecs(holder) {
  const place = el("div");
  beside.length > 0 ? place.append(specTable([details, ...beside])) : showSpec(place, details.spec);
  holder.replaceChildren(await runChooser(suite(), details.head.name, others(), chooseBeside), place);
}

function chooseBeside(names) {
  keep({ run: [parameter("run"), ...names] }, { isNew: true });
  show();
}

async function update(changed) {
  const head = changed.find(({ name }) => name === details.head.name);
  if (!head) {
    return;
  }
  const before = details.head.status;
  details.head = head;
  pace.note(head);
  showHead();
  if (head.status !== before) {
    await load().catch(() => {}); // its scores and files are there now, or it goes on
    await attempt(byId("content"), showTab);
  } else if (head.status === "running") {
    samples?.refresh();
  }
}

moveWithKeys(() => [...document.querySelectorAll("tr.line")]);
startPage(show);
