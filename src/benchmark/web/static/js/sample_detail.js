// One sample in full: what was asked, what should have come, what came, and how it was scored.

import { copy, el } from "/static/js/dom.js";
import { signed } from "/static/js/format.js";
import { showText } from "/static/js/text.js";
import {
  coversText,
  groupTokens,
  hasLogprobs,
  showCandidates,
  showTokens,
} from "/static/js/tokens.js";

import { openInPlayground } from "./playground_link.js";
import { scoreText } from "./scores.js";
import { versionText } from "./versions.js";

/** Return a sample in full; `choose` gets the place of another one to show. */
export function sampleDetail(sample, details, choose) {
  const { instance, requests } = sample;
  const candidates = el("aside", { class: "candidates-panel", "aria-label": "Candidates for a token" });
  candidates.hidden = true;
  const show = (group) => {
    candidates.hidden = false;
    showCandidates(candidates, group);
  };
  const isOne = requests.length === 1;
  return el(
    "div",
    { class: "stack" },
    el(
      "header",
      { class: "bar" },
      el("h2", { textContent: instance.id ?? `place ${sample.place}` }),
      el("span", {
        class: "muted",
        textContent: [instance.split, instance.sub_split, `trial ${sample.trial + 1}`].filter(Boolean).join(" · "),
      }),
      instance.perturbation &&
        el("span", { class: "tag", textContent: versionText(instance.perturbation, details.names) }),
      el("span", { class: "grow" }),
      el("button", {
        type: "button",
        class: "quiet",
        textContent: "Copy link",
        onclick: (event) => copy(location.href, event.currentTarget),
      }),
    ),
    versions(sample, details, choose),
    references(sample),
    isOne
      ? requestView(requests[0], show)
      : requests.map((request) => foldedRequest(request, sample, show)),
    scores(sample, details),
    candidates,
  );
}

function versions({ versions: all, place }, details, choose) {
  if (all.length < 2) {
    return null;
  }
  return el(
    "div",
    { class: "bar chips", role: "group", "aria-label": "Versions and trials" },
    all.map((version) =>
      el("button", {
        type: "button",
        class: "chip",
        "aria-pressed": String(version.place === place),
        textContent: `${versionText(version.perturbation, details.names)}${version.trial > 0 ? ` · trial ${version.trial + 1}` : ""}`,
        onclick: () => choose(version.place),
      }),
    ),
  );
}

function references({ instance }) {
  if (instance.references.length === 0) {
    return null;
  }
  return el(
    "section",
    {},
    el("h3", { textContent: "References" }),
    el(
      "ul",
      { class: "references" },
      instance.references.map(({ output, tags }) => {
        const isCorrect = (tags ?? []).includes("correct");
        return el(
          "li",
          {},
          el("span", { class: `mark ${isCorrect ? "good" : ""}`, textContent: isCorrect ? "correct" : "" }),
          textNode(output, "span"),
        );
      }),
    ),
  );
}

function foldedRequest(request, { instance }, show) {
  const reference = instance.references[request.reference_index]?.output;
  const title = [
    request.reference_index !== null && `Reference ${request.reference_index + 1}`,
    request.request_mode && request.request_mode !== "original" && request.request_mode,
    request.window_index > 0 && `window ${request.window_index + 1}`,
    request.result?.completions[0] && `log-probability ${signed(request.result.completions[0].logprob)}`,
  ].filter(Boolean);
  const body = el("div", { class: "stack" });
  const details = el(
    "details",
    { class: "request" },
    el("summary", {}, `${title.join(" · ")} `, reference !== undefined && textNode(reference.slice(0, 80), "span")),
    body,
  );
  details.addEventListener("toggle", () => details.open && body.append(requestView(request, show)), { once: true });
  return details;
}

function requestView(request, show) {
  const { result } = request;
  return el(
    "div",
    { class: "stack" },
    promptView(request),
    result?.error && el("p", { class: "notice bad", textContent: result.error }),
    (result?.completions ?? []).map((completion, place) =>
      completionView(completion, place, request, show),
    ),
    result?.emulated?.length > 0 &&
      el("p", { class: "warn small", textContent: `Not by the provider but on our side, or left out: ${result.emulated.join(", ")}.` }),
    !request.is_chat && el("div", { class: "bar" }, openInPlayground(request)),
    folded("Request", { ...request.request, prompt: promptOf(request) }),
    result && folded("Result", result),
  );
}

const promptOf = ({ beginning, input, ending }) => beginning + input + ending;

function promptView(request) {
  const { beginning, input, ending, num_in_context_examples: examples } = request;
  const box = el("div", { class: "text-box foreign prompt" });
  if (beginning) {
    const fold = el("div", { class: "few-shot" });
    const length = beginning.length.toLocaleString("en");
    const what = examples > 0 ? `${examples} ${examples === 1 ? "example" : "examples"}` : "Beginning";
    const details = el(
      "details",
      {},
      el("summary", { textContent: `${what}, ${length} characters` }),
      fold,
    );
    details.addEventListener("toggle", () => details.open && showText(fold, beginning), { once: true });
    box.append(details);
  }
  box.append(textNode(input, "span", "own-input"), textNode(ending, "span", "prompt-ending"));
  return el(
    "section",
    {},
    el(
      "h3",
      {},
      "Prompt ",
      request.is_truncated && el("span", { class: "mark warn", textContent: "cut to fit the window" }),
    ),
    box,
  );
}

function completionView(completion, place, request, show) {
  const reason = completion.finish_reason?.reason ?? "unknown";
  const read = request.read_as?.[place];
  const chosen = request.output_mapping?.[read ?? completion.text.trim()];
  const section = el(
    "section",
    {},
    el(
      "h3",
      {},
      request.result.completions.length > 1 ? `Completion ${place + 1} ` : "Completion ",
      el("span", {
        class: "muted",
        textContent: `ended by ${reason} · log-probability ${hasLogprobs(completion) ? signed(completion.logprob) : "not given"}${request.result.outcome === "ok" ? "" : ` · ${request.result.outcome}`}`,
      }),
    ),
  );
  if (completion.thinking) {
    section.append(el("details", {}, el("summary", { textContent: "Thinking" }), textBox(completion.thinking)));
  }
  const groups = hasLogprobs(completion) ? groupTokens(completion.tokens) : [];
  if (groups.length === 0 || !coversText(completion, groups)) {
    section.append(textBox(completion.text));
  }
  if (groups.length > 0) {
    const box = el("div", { class: "text-box foreign" });
    showTokens(box, groups, show);
    section.append(box);
  }
  read !== undefined &&
    section.append(
      el("p", { class: "small" }, "read as ", read ? textNode(read, "strong") : "nothing: not right"),
    );
  chosen !== undefined && section.append(el("p", { class: "small" }, "which is ", textNode(chosen, "span")));
  return section;
}

function scores({ values }, details) {
  const names = Object.keys(values);
  if (names.length === 0) {
    return null;
  }
  const main = details.head.score?.metric;
  const ways = details.higher_is_better;
  const isScore = (name) => name === main || name in ways || name.replace(/@\d+$/, "") in ways;
  const rows = (some) =>
    el(
      "table",
      { class: "values" },
      el(
        "tbody",
        {},
        some.map((name) =>
          el(
            "tr",
            {},
            el("th", { scope: "row", textContent: titleOf(name, details), title: name }),
            el("td", { class: "number", textContent: scoreText(values[name], false, Number.isInteger(values[name]) ? 0 : 3) }),
          ),
        ),
      ),
    );
  const [own, rest] = [names.filter(isScore), names.filter((name) => !isScore(name))];
  return el(
    "section",
    {},
    el("h3", { textContent: "Scores" }),
    rows(own.sort((a, b) => (b === main) - (a === main))),
    rest.length > 0 &&
      el("details", {}, el("summary", { textContent: `Counts and the like (${rest.length})` }), rows(rest)),
  );
}

// The best of the first k completions is named with "@k".
function titleOf(name, { names }) {
  const [, base, k] = name.match(/^(.*?)(@\d+)?$/s);
  return names[name] ?? `${names[base] ?? base}${k ?? ""}`;
}

function textNode(text, tag, className = "") {
  const node = el(tag, { class: `foreign ${className}` });
  showText(node, text);
  return node;
}

const textBox = (text) => textNode(text, "div", "text-box");

// Made when it is opened: a result may have megabytes.
function folded(title, value) {
  const box = el("pre", { class: "text-box foreign" });
  const details = el("details", {}, el("summary", { textContent: title }), box);
  details.addEventListener(
    "toggle",
    () => details.open && showText(box, JSON.stringify(value, null, 2)),
    { once: true },
  );
  return details;
}
