// The models of the leaderboard as points: how good they are against what they cost or take.

import { el } from "/static/js/dom.js";
import { costOf, isNumber } from "/static/js/format.js";
import { generalInfo } from "/static/js/info.js";

import { keep, parameter } from "./address.js";
import { plotFigure } from "./plot_frame.js";
import { scatterPlot } from "./scatter_plot.js";

const REQUESTS = 1000;
const MIN_POINTS = 2;
const WAYS = { cost: "Cost", time: "Time" };

/** Put the plot of these rows into `holder`; nothing where fewer than two models can be told. */
export async function showBoardPlot(holder, board, rows) {
  const { all_models: models } = await generalInfo();
  const prices = new Map(models.map((model) => [model.name, model.prices]));
  const points = pointsOf(board, rows, prices);
  const ways = Object.keys(WAYS).filter((way) => points.filter((point) => point[way] > 0).length >= MIN_POINTS);
  if (ways.length === 0) {
    holder.replaceChildren();
    return;
  }
  const way = ways.includes(parameter("against")) ? parameter("against") : ways[0];
  const isOpen = holder.querySelector("details.board-plot")?.open ?? true;
  const buttons = ways.map((one) =>
    el("button", {
      type: "button",
      "aria-pressed": String(one === way),
      textContent: WAYS[one],
      onclick: () => {
        keep({ against: one });
        showBoardPlot(holder, board, rows);
      },
    }),
  );
  holder.replaceChildren(
    el(
      "details",
      { class: "board-plot", open: isOpen },
      el("summary", { textContent: "Score against cost and time" }),
      ways.length > 1 && el("div", { class: "segments", role: "group", "aria-label": "Against" }, buttons),
      figure(board, points.filter((point) => point[way] > 0), way),
    ),
  );
}

// Only tasks that all of them have make scores that can be compared.
function pointsOf(board, rows, prices) {
  const scored = rows.filter(({ cells }) => cells.some((cell) => isNumber(cell?.mean)));
  const places = board.columns
    .map((column, place) => ({ column, place }))
    .filter(({ column }) => column.is_proportion && column.higher_is_better === true)
    .map(({ place }) => place)
    .filter((place) => scored.every(({ cells }) => isNumber(cells[place]?.mean)));
  if (places.length === 0) {
    return [];
  }
  return scored.map((row) => {
    const means = places.map((place) => 100 * row.cells[place].mean);
    const [cell] = places.map((place) => row.cells[place]);
    return {
      name: row.model,
      y: means.reduce((sum, mean) => sum + mean, 0) / means.length,
      interval: places.length === 1 ? (cell.interval?.map((value) => 100 * value) ?? null) : null,
      numTasks: places.length,
      cost: costOfRow(row.use, prices.get(row.model)),
      time: row.use?.seconds ?? null,
    };
  });
}

function costOfRow(use, prices) {
  const usage = { prompt_tokens: use?.num_prompt_tokens, completion_tokens: use?.num_completion_tokens };
  const one = costOf({ cached: false, usage }, prices);
  return one === null ? null : REQUESTS * one;
}

const write = {
  cost: (value) => `$${Number(value.toPrecision(2))}`,
  time: (value) => (value < 1 ? `${Number((1000 * value).toPrecision(2))} ms` : `${Number(value.toPrecision(2))} s`),
};

function figure(board, points, way) {
  const numTasks = points[0].numTasks;
  const what = numTasks > 1 ? `mean score over ${numTasks} tasks` : "score";
  const xTitle = { cost: `cost of ${REQUESTS.toLocaleString("en")} requests`, time: "time of a request" }[way];
  const title = `${what[0].toUpperCase()}${what.slice(1)} against ${xTitle}`;
  const own = points.map((point) => ({
    ...point,
    x: point[way],
    title: `${point.name}: ${point.y.toFixed(1)} % at ${write[way](point[way])}`,
  }));
  const notes = { cost: "At today's prices, nothing from the cache.", time: "As measured when they were asked." };
  return plotFigure({
    title,
    note: `${notes[way]} On the line: no other model is better and ${way === "cost" ? "cheaper" : "faster"}.`,
    draw: (width) => scatterPlot(width, own, { title, xTitle, yTitle: `${what}, %`, writeX: write[way] }),
    head: ["model", `${what} %`, xTitle],
    rows: own.map((point) => [point.name, point.y.toFixed(1), write[way](point.x)]),
    maxWidth: 760,
  });
}
