// The samples of a run: a list with filters, a page of it at a time, and one of them in full.

import { get } from "/static/js/api.js";
import { announce, byId, el, failure } from "/static/js/dom.js";
import { isNumber } from "/static/js/format.js";
import { nodesOf, oneLine } from "/static/js/text.js";

import { addressOf, keep, parameter } from "./address.js";
import { choice, emptyState } from "./page.js";
import { sampleDetail } from "./sample_detail.js";
import { scoreText } from "./scores.js";
import { versionText } from "./versions.js";

const PAGE = 50;
const TYPING_MILLISECONDS = 250;
const LENGTH = 160;

const isNarrow = matchMedia("(max-width: 900px)"); // then the sample is below the list

const MARKS = { ok: "good", truncated: "warn", refused: "warn", error: "bad" };

export class Samples {
  #holder;
  #path;
  #details;
  #answer = null;
  #asking = null; // aborts what is being asked for the detail
  #timer = 0;

  /** @param {string} path The run's path in the API. */
  constructor(holder, path, details) {
    this.#holder = holder;
    this.#path = path;
    this.#details = details;
  }

  /** Show the list and the sample that the address names. */
  async show() {
    this.#holder.replaceChildren(
      el("div", { id: "sample-controls", class: "bar tools" }),
      el(
        "div",
        { class: "samples" },
        el("div", { id: "sample-list", class: "sample-list" }),
        el("article", { id: "sample", class: "sample", "aria-label": "Sample" }),
      ),
    );
    await this.#load();
    const place = parameter("place");
    if (place) {
      await this.#open(Number(place));
    } else {
      byId("sample").replaceChildren(
        emptyState(el("p", { textContent: "Choose a sample to see it in full; j and k go through them." })),
      );
    }
  }

  /** Show what has been answered meanwhile, unless somebody is in the list. */
  refresh() {
    const isFree = () => !byId("sample-list")?.contains(document.activeElement);
    if (this.#answer && isFree()) {
      this.#load(isFree).catch(() => {});
    }
  }

  async #load(isWanted = () => true) {
    const asked = { offset: parameter("offset"), limit: PAGE };
    for (const name of ["filter", "q", "split", "perturbation"]) {
      asked[name] = parameter(name);
    }
    const answer = await get(addressOf(`${this.#path}/samples`, asked));
    if (!isWanted()) {
      return;
    }
    this.#answer = answer;
    byId("sample-controls").childElementCount || this.#showControls();
    this.#showList();
  }

  #change(changes) {
    keep({ offset: "", ...changes }, { isNew: true });
    this.#load().catch((error) => byId("sample-list").replaceChildren(failure(error)));
  }

  #showControls() {
    const { splits, perturbations, is_proportion: isProportion, metric } = this.#answer;
    const filters = [["", "all"]];
    if (metric && isProportion) {
      filters.push(["right", "correct"], ["partly", "partly"], ["wrong", "wrong"]);
    }
    metric && perturbations.length > 0 && filters.push(["flipped", "flipped by a perturbation"]);
    filters.push(["error", "error"], ["refused", "refused"], ["truncated", "truncated"]);
    metric && filters.push(["unscored", "not scored"]);
    const search = el("input", {
      type: "search",
      placeholder: "Text",
      "aria-label": "Search in inputs, references and completions",
      value: parameter("q"),
      oninput: () => {
        clearTimeout(this.#timer);
        this.#timer = setTimeout(() => this.#change({ q: search.value }), TYPING_MILLISECONDS);
      },
    });
    const any = (values) => [["", "all"], ...values];
    byId("sample-controls").replaceChildren(
      ...[
        choice("Show", filters, parameter("filter"), (filter) => this.#change({ filter })),
        splits.length > 1 &&
          choice("Split", any(splits), parameter("split"), (split) => this.#change({ split })),
        perturbations.length > 0 &&
          choice(
            "Version",
            any(perturbations.map((name) => [name, this.#details.names[name] ?? name])),
            parameter("perturbation"),
            (perturbation) => this.#change({ perturbation }),
          ),
        search,
        el("span", { id: "sample-count", class: "muted", role: "status" }),
      ].filter(Boolean),
    );
  }

  #showList() {
    const { rows, total, num_all: all, offset } = this.#answer;
    const number = (value) => value.toLocaleString("en");
    byId("sample-count").textContent =
      total === all ? `${number(all)} samples` : `${number(total)} of ${number(all)}`;
    if (rows.length === 0) {
      byId("sample-list").replaceChildren(
        emptyState(el("p", { textContent: total ? "Not answered yet." : "No sample is like that." })),
      );
      return;
    }
    const table = el(
      "table",
      { class: "sample-table" },
      el("tbody", {}, rows.map((row) => this.#rowOf(row))),
    );
    byId("sample-list").replaceChildren(table, this.#pager(offset, total));
  }

  #rowOf(row) {
    const line = el(
      "tr",
      { class: "line", tabIndex: 0 },
      el(
        "td",
        { class: "sample-score" },
        this.#scoreMark(row),
        el("span", { class: "muted small sample-id", textContent: row.id ?? String(row.place) }),
        (row.perturbation || row.trial > 0) &&
          el("span", {
            class: "tag",
            textContent: [
              row.perturbation && versionText(row.perturbation, this.#details.names),
              row.trial > 0 && `trial ${row.trial + 1}`,
            ]
              .filter(Boolean)
              .join(" · "),
          }),
      ),
      el(
        "td",
        {},
        cut(row.input, "sample-input"),
        el(
          "div",
          { class: "sample-answer" },
          row.error ? cut(row.error, "bad") : cut(row.completion ?? "", ""),
          row.references.length > 0 && el("span", { class: "muted reference" }, " | ", nodesOf(oneLine(row.references[0], 60))),
        ),
      ),
    );
    line.dataset.place = String(row.place);
    const open = () => {
      this.#choose(row.place);
      isNarrow.matches && byId("sample").scrollIntoView();
    };
    line.addEventListener("click", open);
    line.addEventListener("keydown", (event) => event.key === "Enter" && open());
    // Going through the list with j and k goes through what is shown.
    line.addEventListener("focus", () => isNarrow.matches || this.#choose(row.place));
    line.classList.toggle("chosen-line", String(row.place) === parameter("place"));
    return line;
  }

  #scoreMark({ outcome, value }) {
    const { is_proportion: isProportion } = this.#answer;
    if (!isNumber(value)) {
      return el("span", { class: `mark ${MARKS[outcome] ?? ""}`, textContent: outcome === "ok" ? "·" : (outcome ?? "") });
    }
    const kind = !isProportion ? "" : value >= 1 ? "good" : value > 0 ? "warn" : "bad";
    return el("span", { class: `mark ${kind}`, textContent: scoreText(value, false, Number.isInteger(value) ? 1 : 2) });
  }

  #pager(offset, total) {
    const step = (to, label, isThere) =>
      el("button", {
        type: "button",
        textContent: label,
        disabled: !isThere,
        onclick: () => {
          this.#change({ offset: to > 0 ? to : "" });
          byId("sample-list").scrollTop = 0;
        },
      });
    const end = Math.min(offset + PAGE, total);
    return el(
      "div",
      { class: "bar pager" },
      step(offset - PAGE, "‹ Before", offset > 0),
      el("span", { class: "muted", textContent: `${(offset + 1).toLocaleString("en")}–${end.toLocaleString("en")} of ${total.toLocaleString("en")}` }),
      step(offset + PAGE, "Next ›", end < total),
    );
  }

  #choose(place) {
    if (String(place) === parameter("place")) {
      return;
    }
    keep({ place });
    this.#open(place);
  }

  async #open(place) {
    this.#asking?.abort();
    this.#asking = new AbortController();
    for (const line of this.#holder.querySelectorAll("tr.line")) {
      line.classList.toggle("chosen-line", line.dataset.place === String(place));
    }
    const holder = byId("sample");
    try {
      const sample = await get(`${this.#path}/samples/${place}`, { signal: this.#asking.signal });
      holder.replaceChildren(sampleDetail(sample, this.#details, (other) => this.#choose(other)));
      holder.scrollTop = 0;
      announce(`Sample ${sample.instance.id ?? place}`);
    } catch (error) {
      if (error.name !== "AbortError") {
        holder.replaceChildren(failure(error, () => this.#open(place)));
      }
    }
  }
}

function cut(text, className) {
  return el("div", { class: `one-line ${className}` }, nodesOf(oneLine(text, LENGTH)));
}
