// Scores as all pages write them: a mean, half its interval, and the whole of it on hover.

import { el } from "/static/js/dom.js";
import { isNumber } from "/static/js/format.js";

const STEPS = 10;
const MINUS = "−";
const WHOLE = new Intl.NumberFormat("en"); // made once: a large table has thousands of numbers

const minus = (text) => text.replace("-", MINUS);

/** How many decimals a column of numbers needs. */
export function decimalsOf(values, isProportion) {
  if (isProportion) {
    return 1;
  }
  const known = values.filter(isNumber);
  if (known.every(Number.isInteger)) {
    return 0;
  }
  const largest = Math.max(...known.map(Math.abs), 0);
  return largest >= 100 ? 1 : largest >= 1 ? 2 : 3;
}

/** A number of a metric: shares of 1 are written in percent. */
export const scoreText = (value, isProportion, decimals) =>
  isNumber(value) ? minus((isProportion ? 100 * value : value).toFixed(decimals)) : "—";

/** "±1.8", or nothing where the interval is not known. */
export function marginText(interval, isProportion, decimals) {
  if (!interval) {
    return "";
  }
  const margin = ((interval[1] - interval[0]) / 2) * (isProportion ? 100 : 1);
  return `±${margin.toFixed(decimals)}`;
}

/** What the pointer is told: the interval in full, over how many instances, what is missing. */
export function scoreTitle({ mean, interval, n, bounds }, isProportion) {
  const write = (value) => scoreText(value, isProportion, isProportion ? 2 : 4);
  const parts = [`${write(mean)}${isProportion ? " %" : ""}`];
  if (interval) {
    parts.push(`95 % interval ${write(interval[0])} to ${write(interval[1])}`);
  }
  if (isNumber(n)) {
    parts.push(`n = ${WHOLE.format(n)}`);
  }
  if (bounds) {
    const [low, high] = bounds.map(write);
    parts.push(`${low} if all that is missing were wrong, ${high} if all were right`);
  }
  return parts.join(" · ");
}

/** A score with its margin, as nodes of a cell. */
export function scoreNodes(score, isProportion, decimals) {
  return [
    el("span", { textContent: scoreText(score.mean, isProportion, decimals) }),
    el("span", {
      class: "margin muted",
      textContent: ` ${marginText(score.interval, isProportion, decimals)}`,
    }),
  ];
}

/**
 * The class that colours a score, from pale (low) to strong (high): a single ramp of lightness,
 * which those who see colours otherwise can tell as well. None where neither way is good.
 */
export function rampClass(value, values, { isProportion, higherIsBetter }) {
  if (!isNumber(value) || typeof higherIsBetter !== "boolean") {
    return "";
  }
  const known = values.filter(isNumber);
  const [low, high] = isProportion ? [0, 1] : [Math.min(...known), Math.max(...known)];
  const share = high > low ? (value - low) / (high - low) : 0.5;
  const good = higherIsBetter ? share : 1 - share;
  return `ramp-${Math.min(STEPS - 1, Math.max(0, Math.floor(good * STEPS)))}`;
}
