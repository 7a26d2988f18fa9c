// A calibration curve and a histogram.

import { svg } from "/static/js/dom.js";

import { picture } from "./plot_frame.js";
import { linear, logarithmic, logTicks, ticks } from "./plot_scales.js";

const LEFT = 44;
const BOTTOM = 40;
const TOP = 8;
const RIGHT = 16;
const HEIGHT = 260;
const MIN_RADIUS = 3;
const MAX_RADIUS = 9;

/** Accuracy by confidence, in bins; on the line from corner to corner, a model is calibrated. */
export function calibrationPlot(width, bins, title) {
  const side = Math.min(width - LEFT - RIGHT, 320);
  const height = side + TOP + BOTTOM;
  const x = linear([0, 1], [LEFT, LEFT + side]);
  const y = linear([0, 1], [TOP + side, TOP]);
  const most = Math.max(...bins.map(({ n }) => n));
  const image = picture(width, height, title, describe(bins));
  for (const value of [0, 0.25, 0.5, 0.75, 1]) {
    const percent = `${100 * value}`;
    image.append(
      svg("line", { class: "grid-line", x1: x(value), x2: x(value), y1: y(0), y2: y(1) }),
      svg("line", { class: "grid-line", x1: x(0), x2: x(1), y1: y(value), y2: y(value) }),
      svg("text", { x: x(value), y: y(0) + 16, "text-anchor": "middle" }, percent),
      svg("text", { x: LEFT - 8, y: y(value) + 4, "text-anchor": "end" }, percent),
    );
  }
  image.append(
    svg("line", { class: "chart-zero dashed", x1: x(0), y1: y(0), x2: x(1), y2: y(1) }),
    svg("text", { x: LEFT + side / 2, y: height - 6, "text-anchor": "middle" }, "confidence, %"),
    svg("text", { x: LEFT + 6, y: TOP + 12 }, "right, %"),
  );
  for (const { confidence, accuracy, interval, n } of bins) {
    const at = x(confidence);
    const text = `confidence ${percentOf(confidence)}: ${percentOf(accuracy)} right, n = ${n.toLocaleString("en")}`;
    image.append(
      svg(
        "g",
        { class: "chart-point" },
        svg("title", {}, text),
        svg("line", { x1: at, x2: at, y1: y(interval[0]), y2: y(interval[1]) }),
        // Areas stand for numbers.
        svg("circle", { cx: at, cy: y(accuracy), r: Math.max(MIN_RADIUS, MAX_RADIUS * Math.sqrt(n / most)) }),
      ),
    );
  }
  return image;
}

/** Counts by bins `{low, high, num_requests}` of equal ratio; `write` names a value of the axis. */
export function histogram(width, bins, { title, write }) {
  const low = bins[0].low;
  const high = bins.at(-1).high;
  const top = Math.max(...bins.map(({ num_requests: count }) => count));
  const x = logarithmic([low, high], [LEFT, width - RIGHT]);
  const y = linear([0, top], [HEIGHT - BOTTOM, TOP]);
  const image = picture(width, HEIGHT, title, `From ${write(low)} to ${write(high)}.`);
  for (const value of ticks(0, top, 4).filter(Number.isInteger)) {
    image.append(
      svg("line", { class: "grid-line", x1: LEFT, x2: width - RIGHT, y1: y(value), y2: y(value) }),
      svg("text", { x: LEFT - 8, y: y(value) + 4, "text-anchor": "end" }, value.toLocaleString("en")),
    );
  }
  for (const bin of bins.filter(({ num_requests: count }) => count > 0)) {
    const text = `${write(bin.low)} to ${write(bin.high)}: ${bin.num_requests.toLocaleString("en")} requests`;
    const box = { x: x(bin.low) + 0.5, width: Math.max(1, x(bin.high) - x(bin.low) - 1) };
    const height = Math.max(1, y(0) - y(bin.num_requests));
    image.append(
      svg("rect", { class: "chart-bar", ...box, y: y(0) - height, height }, svg("title", {}, text)),
    );
  }
  for (const value of logTicks(low, high)) {
    image.append(
      svg("line", { class: "chart-zero", x1: x(value), x2: x(value), y1: y(0), y2: y(0) + 4 }),
      svg("text", { x: x(value), y: y(0) + 18, "text-anchor": "middle" }, write(value)),
    );
  }
  return image;
}

const percentOf = (share) => `${(100 * share).toFixed(1)} %`;

function describe(bins) {
  const all = bins.reduce((sum, { n }) => sum + n, 0);
  const gap = bins.reduce((sum, { confidence, accuracy, n }) => sum + n * (confidence - accuracy), 0) / all;
  const way = gap > 0.005 ? "surer than it is right" : gap < -0.005 ? "right more often than it is sure" : "as sure as it is right";
  return `Over ${all.toLocaleString("en")} answers the model is ${way}: by ${percentOf(Math.abs(gap))} on average.`;
}
