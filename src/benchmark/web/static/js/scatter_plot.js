// Points with names that do not overlap, and the line of those that nothing beats in both ways.

import { svg } from "/static/js/dom.js";

import { picture, short, textWidth } from "./plot_frame.js";
import { linear, logarithmic, logTicks, tickDecimals, ticks } from "./plot_scales.js";

const LEFT = 48;
const BOTTOM = 40;
const TOP = 12;
const RIGHT = 16;
const HEIGHT = 280;
const RADIUS = 5;
const LINE = 13; // height of a name
const MAX_NAME = 160;

/**
 * Return a picture of points `{name, x, y, interval, title}`: the further left and up, the better.
 *
 * @param {string} options.xTitle, options.yTitle What the axes are.
 */
export function scatterPlot(width, points, { title, xTitle, yTitle, writeX }) {
  const [fromX, toX] = spread(points.map((point) => point.x), 1.3);
  const [fromY, toY] = rangeOf(points.flatMap(({ y, interval }) => [y, ...(interval ?? [])]));
  const x = logarithmic([fromX, toX], [LEFT, width - RIGHT]);
  const y = linear([fromY, toY], [HEIGHT - BOTTOM, TOP]);
  const front = paretoFront(points);
  const names = front.map(({ name }) => name).join(", ");
  const image = picture(width, HEIGHT, title, `${points.length} models. None is better in both ways than ${names}.`);
  const marks = ticks(fromY, toY, 5);
  const decimals = tickDecimals(marks);
  for (const value of marks) {
    image.append(
      svg("line", { class: "grid-line", x1: LEFT, x2: width - RIGHT, y1: y(value), y2: y(value) }),
      svg("text", { x: LEFT - 8, y: y(value) + 4, "text-anchor": "end" }, value.toFixed(decimals)),
    );
  }
  for (const value of logTicks(fromX, toX)) {
    image.append(
      svg("line", { class: "grid-line", x1: x(value), x2: x(value), y1: TOP, y2: y(fromY) }),
      svg("text", { x: x(value), y: y(fromY) + 16, "text-anchor": "middle" }, writeX(value)),
    );
  }
  image.append(
    svg("text", { x: width - RIGHT, y: HEIGHT - 6, "text-anchor": "end" }, xTitle),
    svg("text", { x: LEFT + 4, y: TOP }, yTitle),
    svg("polyline", { class: "chart-front", points: steps(front, x, y, width - RIGHT) }),
  );
  for (const point of points) {
    const at = [x(point.x), y(point.y)];
    const group = svg("g", { class: `chart-point ${front.includes(point) ? "" : "beaten"}` }, svg("title", {}, point.title));
    if (point.interval) {
      const [low, high] = point.interval.map(y);
      group.append(svg("line", { x1: at[0], x2: at[0], y1: low, y2: high }));
    }
    group.append(svg("circle", { cx: at[0], cy: at[1], r: RADIUS }));
    image.append(group);
  }
  image.append(...labels(points, x, y, width));
  return image;
}

/** The points that no other beats in one way without losing in the other, from the left. */
export function paretoFront(points) {
  const sorted = [...points].sort((a, b) => a.x - b.x || b.y - a.y);
  let best = -Infinity;
  return sorted.filter((point) => {
    const isNew = point.y > best;
    best = Math.max(best, point.y);
    return isNew;
  });
}

function steps(front, x, y, end) {
  const corners = front.flatMap((point, place) => {
    const next = front[place + 1];
    const at = `${x(point.x)},${y(point.y)}`;
    return next ? [at, `${x(next.x)},${y(point.y)}`] : [at, `${end},${y(point.y)}`];
  });
  return corners.join(" ");
}

// Each name stands below its point on the right, left of it, above or below: where nothing is yet. One that
// fits nowhere is left out; pointing at the point tells it.
function labels(points, x, y, width) {
  const taken = points.map((point) => box(x(point.x) - RADIUS, y(point.y) - RADIUS, 2 * RADIUS, 2 * RADIUS));
  const found = [];
  for (const point of points) {
    const text = short(point.name.split("/").at(-1), MAX_NAME);
    const long = textWidth(text);
    const [px, py] = [x(point.x), y(point.y)];
    const places = [
      [px + RADIUS, py + 2],
      [px - RADIUS - 4 - long, py - LINE / 2],
      [px - long / 2, py - RADIUS - 2 - LINE],
      [px - long / 2, py + RADIUS + 2],
    ];
    const own = places
      .map(([left, top]) => box(left, top, long, LINE))
      .find((one) => one.left >= LEFT && one.right <= width && one.top >= 0 && !taken.some((other) => meet(one, other)));
    if (own) {
      taken.push(own);
      found.push(svg("text", { class: "chart-name", x: own.left, y: own.top + LINE - 3 }, text));
    }
  }
  return found;
}

const box = (left, top, width, height) => ({ left, top, right: left + width, bottom: top + height });
const meet = (a, b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;

function spread(values, factor) {
  return [Math.min(...values) / factor, Math.max(...values) * factor];
}

function rangeOf(values) {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const margin = high > low ? 0.1 * (high - low) : 1;
  return [low - margin, high + margin];
}
