// What all plots share: a title, a picture that fits the width there is, and its numbers as a table.

import { el, svg } from "/static/js/dom.js";

const MAX_WIDTH = 640;
const CHARACTER = 6.3; // mean width, in pixels, of a character in a plot

/**
 * Return a figure.
 *
 * @param {(width: number) => SVGElement} draw Called whenever the width changes.
 * @param {string[]} head Titles of the table's columns.
 * @param {(string | Node)[][]} rows Its cells: the first names the row, the others are numbers.
 */
export function plotFigure({ title, note = "", draw, head, rows, maxWidth = MAX_WIDTH }) {
  const frame = el("div", { class: "chart-frame" });
  let drawn = 0;
  const redraw = () => {
    const width = Math.min(maxWidth, Math.floor(frame.clientWidth));
    if (width > 0 && width !== drawn) {
      drawn = width;
      frame.replaceChildren(draw(width));
    }
  };
  new ResizeObserver(redraw).observe(frame);
  return el(
    "figure",
    { class: "plot chart" },
    el("figcaption", {}, el("h3", { textContent: title }), note && el("p", { class: "muted small", textContent: note })),
    frame,
    tableOf(title, head, rows),
  );
}

/** Return an empty picture; those who can't see it are told what it is, and where the numbers are. */
export function picture(width, height, title, description) {
  return svg(
    "svg",
    { width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": `${title}. ${description}` },
    svg("title", {}, title),
    svg("desc", {}, `${description} The table below has the numbers.`),
  );
}

/** A text, cut so that it takes at most `width` pixels. */
export function short(text, width) {
  const most = Math.max(2, Math.floor(width / CHARACTER));
  return text.length > most ? `${text.slice(0, most - 1)}…` : text;
}

export const textWidth = (text) => text.length * CHARACTER;

function tableOf(title, head, rows) {
  const kind = (place) => (place > 0 ? "number" : "");
  const titles = head.map((name, place) => el("th", { scope: "col", class: kind(place), textContent: name }));
  const lines = rows.map(([name, ...values]) =>
    el(
      "tr",
      {},
      el("th", { scope: "row", class: "chart-row" }, name),
      values.map((value) => el("td", { class: "number" }, value)),
    ),
  );
  return el(
    "details",
    { class: "small" },
    el("summary", { textContent: "As a table" }),
    el(
      "div",
      { class: "scroll", tabIndex: 0, role: "region", "aria-label": `${title}, as a table` },
      el("table", { class: "sticky-first" }, el("thead", {}, el("tr", {}, titles)), el("tbody", {}, lines)),
    ),
  );
}
