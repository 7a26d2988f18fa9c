// Means with their intervals, one below the other.

import { svg } from "/static/js/dom.js";

import { picture, short, textWidth } from "./plot_frame.js";
import { linear, tickDecimals, ticks } from "./plot_scales.js";

const ROW = 26;
const TALL_ROW = 40; // with the label above
const BOTTOM = 24;
const EDGE = 12;
const NARROW = 480;
const RADIUS = 4;

/**
 * Return a picture of rows `{label, mean, interval, kind, title}`.
 *
 * @param {number[]} options.values Values that the axis holds beside the rows' own.
 * @param {number} options.line Where a line stands that the rows are compared with, if anywhere.
 */
export function dotPlot(width, rows, { title, unit = "", values = [], line = null }) {
  const isNarrow = width < NARROW;
  const own = rows.flatMap(({ mean, interval }) => [mean, ...(interval ?? [])]);
  const all = [...own, ...values, ...(line === null ? [] : [line])];
  const [low, high] = padded(Math.min(...all), Math.max(...all));
  const longest = Math.max(...rows.map(({ label }) => textWidth(label)));
  const left = isNarrow ? EDGE : Math.min(longest + 2 * EDGE, 0.4 * width);
  const rowHeight = isNarrow ? TALL_ROW : ROW;
  const height = rows.length * rowHeight + BOTTOM;
  const x = linear([low, high], [left, width - EDGE]);
  const image = picture(width, height, title, describe(rows, unit));
  const marks = ticks(low, high, isNarrow ? 4 : 6);
  const decimals = tickDecimals(marks);
  for (const value of marks) {
    image.append(
      svg("line", { class: "grid-line", x1: x(value), x2: x(value), y1: 0, y2: height - BOTTOM }),
      svg("text", { x: x(value), y: height - 8, "text-anchor": "middle" }, write(value, decimals, unit)),
    );
  }
  if (line !== null) {
    image.append(svg("line", { class: "chart-zero", x1: x(line), x2: x(line), y1: 0, y2: height - BOTTOM }));
  }
  rows.forEach((row, place) => {
    const y = place * rowHeight + rowHeight - ROW / 2;
    const group = svg("g", { class: `chart-point ${row.kind ?? ""}` }, svg("title", {}, row.title));
    const label = isNarrow ? { x: 0, y: y - 14 } : { x: 0, y: y + 4 };
    group.append(svg("text", label, short(row.label, isNarrow ? width : left - EDGE)));
    if (row.interval) {
      const [from, to] = row.interval.map(x);
      group.append(
        svg("line", { x1: from, x2: to, y1: y, y2: y }),
        ...[from, to].map((end) => svg("line", { x1: end, x2: end, y1: y - 4, y2: y + 4 })),
      );
    }
    group.append(svg("circle", { cx: x(row.mean), cy: y, r: RADIUS }));
    image.append(group);
  });
  return image;
}

const write = (value, decimals, unit) => `${value.toFixed(decimals).replace("-", "−")}${unit}`;

function padded(low, high) {
  const margin = high > low ? 0.04 * (high - low) : Math.abs(high) * 0.1 || 1;
  return [low - margin, high + margin];
}

function describe(rows, unit) {
  const best = [...rows].sort((a, b) => b.mean - a.mean);
  const say = ({ label, mean }) => `${label} ${mean.toFixed(1)}${unit}`;
  return rows.length > 1
    ? `${rows.length} values from ${say(best.at(-1))} to ${say(best[0])}.`
    : `One value: ${say(best[0])}.`;
}
