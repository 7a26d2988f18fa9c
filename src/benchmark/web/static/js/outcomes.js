// How requests ended, as a bar and in words; how a run stands.

import { el, svg } from "/static/js/dom.js";
import { count, money, percent } from "/static/js/format.js";

const OUTCOMES = ["ok", "truncated", "refused", "error"];
const WIDTH = 120;
const HEIGHT = 8;

const KINDS = { finished: "good", running: "", incomplete: "warn", stopped: "warn", unreadable: "bad" };
const TITLES = {
  stopped: "It began, and has written nothing for two minutes: it has ended, or waits for a model.",
  incomplete: "More of its requests failed than was allowed.",
};

/** The status of a run, in a word and a shape. */
export function statusMark({ status, problem }) {
  if (status === "running") {
    return el("span", { class: "mark live", textContent: "running" });
  }
  return el("span", {
    class: `mark ${KINDS[status] ?? ""}`,
    textContent: status,
    title: problem || TITLES[status] || "",
  });
}

export const describeOutcomes = (outcomes) =>
  OUTCOMES.filter((name) => outcomes[name])
    .map((name) => `${outcomes[name].toLocaleString("en")} ${name}`)
    .join(" · ");

/** What a run under way has taken since it was started: errors, tokens, money, hits of the cache. */
export function describeProgress({ outcomes, num_done: done, progress }) {
  const errors = outcomes.error ?? 0;
  const parts = [`${errors.toLocaleString("en")} ${errors === 1 ? "error" : "errors"}`];
  if (progress) {
    const { num_tokens: tokens, cost, num_cached: cached, num_resumed: resumed } = progress;
    parts.push(`${count(tokens)} tokens`);
    cost !== null && parts.push(money(cost));
    cached > 0 && parts.push(`${percent(cached / Math.max(cached, done - resumed))} from the cache`);
  }
  return parts.join(" · ");
}

/** A bar of all requests by how they ended; what is left of it was not asked yet. */
export function outcomeBar(outcomes, all, width = WIDTH) {
  const done = OUTCOMES.reduce((sum, name) => sum + (outcomes[name] ?? 0), 0);
  const total = Math.max(all ?? 0, done, 1);
  const picture = svg("svg", {
    class: "outcomes",
    viewBox: `0 0 ${width} ${HEIGHT}`,
    width,
    height: HEIGHT,
    role: "img",
    "aria-label": describeOutcomes(outcomes) || "no answers yet",
  });
  picture.append(
    svg("title", {}, describeOutcomes(outcomes) || "no answers yet"),
    svg("rect", { class: "outcome-left", width, height: HEIGHT, rx: 2 }),
  );
  let x = 0;
  for (const name of OUTCOMES) {
    const share = (outcomes[name] ?? 0) / total;
    if (share > 0) {
      // What is rare is seen all the same.
      const own = Math.max(2, share * width);
      picture.append(svg("rect", { class: `outcome-${name}`, x: Math.min(x, width - own), width: own, height: HEIGHT }));
      x += share * width;
    }
  }
  return picture;
}
