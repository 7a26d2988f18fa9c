// The plots of a run: what its main score depends on, how sure the model was, how long it took.

import { get } from "/static/js/api.js";
import { el } from "/static/js/dom.js";

import { calibrationPlot, histogram } from "./charts.js";
import { dotPlot } from "./dot_plot.js";
import { plotFigure } from "./plot_frame.js";
import { decimalsOf, scoreText, scoreTitle } from "./scores.js";
import { versionText } from "./versions.js";

/** Put the plots of a run into `holder`, as soon as they are there. */
export async function showPlots(holder, details, path) {
  const plots = await get(`${path}/plots`);
  const figures = [
    scores(details),
    effects(details, plots.effects),
    parts(details, plots.by_num_examples, "Score by number of in-context examples", "examples"),
    parts(details, plots.by_sub_split, "Score by part of the data", "part"),
    calibration(plots),
    times(plots.times),
  ].filter(Boolean);
  holder.replaceChildren(...figures);
}

// How numbers of the main score are shown: shares of 1 in percent.
function scaleOf({ head: { score } }) {
  const factor = score?.is_proportion ? 100 : 1;
  return { factor, unit: score?.is_proportion ? " %" : "", isProportion: Boolean(score?.is_proportion) };
}

const scaled = (interval, factor) => interval?.map((value) => value * factor) ?? null;

function scores(details) {
  const { score } = details.head;
  const { factor, unit, isProportion } = scaleOf(details);
  const stats = details.stats.filter(({ name }) => name.name === score?.metric && name.k === undefined && !name.sub_split);
  if (stats.length < 2) {
    return null;
  }
  const numSplits = new Set(stats.map(({ name }) => name.split)).size;
  const rows = stats.map((stat) => {
    const version = versionText(stat.name.perturbation, details.names);
    const label = numSplits > 1 ? `${stat.name.split} · ${version}` : version;
    return { label, stat, mean: factor * stat.mean, interval: scaled(stat.interval, factor), title: `${label}: ${scoreTitle(stat, isProportion)}` };
  });
  const name = details.names[score.metric] ?? score.metric;
  return figureOf(`${name} by version of the instances`, "Mean and 95 % interval.", rows, { unit, isProportion });
}

function effects(details, found) {
  const { factor, isProportion } = scaleOf(details);
  const unit = isProportion ? " points" : "";
  const numSplits = new Set(found.map(({ split }) => split)).size;
  const rows = found.map((one) => {
    const version = versionText({ name: one.perturbation, args: one.args }, details.names);
    const label = numSplits > 1 ? `${one.split} · ${version}` : version;
    const stat = { mean: one.difference, interval: one.interval, n: one.n };
    return { label, stat, mean: factor * one.difference, interval: scaled(one.interval, factor), title: `${label}: ${scoreTitle(stat, isProportion)}` };
  });
  if (rows.length === 0) {
    return null;
  }
  const note = "Mean difference to the same instances as they were, and its 95 % interval.";
  return figureOf("Effect of each perturbation", note, rows, { unit, isProportion, line: 0 });
}

function parts(details, found, title, what) {
  if (found.length === 0) {
    return null;
  }
  const { factor, unit, isProportion } = scaleOf(details);
  const rows = found.map((one) => {
    const label = what === "part" ? one.label : `${one.label} ${one.label === "1" ? "example" : what}`;
    return { label, stat: one, mean: factor * one.mean, interval: scaled(one.interval, factor), title: `${label}: ${scoreTitle(one, isProportion)}` };
  });
  return figureOf(title, "Mean and 95 % interval, of the instances as they were.", rows, { unit, isProportion });
}

function figureOf(title, note, rows, { unit, isProportion, line = null }) {
  const decimals = decimalsOf(rows.map(({ stat }) => stat.mean), isProportion);
  const write = (value) => scoreText(value, isProportion, decimals);
  return plotFigure({
    title,
    note,
    draw: (width) => dotPlot(width, rows, { title, unit: unit.replace(" points", ""), line }),
    head: ["", `mean${unit}`, "low", "high", "n"],
    rows: rows.map(({ label, stat }) => [label, write(stat.mean), write(stat.interval?.[0]), write(stat.interval?.[1]), String(stat.n ?? "—")]),
  });
}

function calibration({ calibration: bins, num_calibrated: number }) {
  if (bins.length === 0) {
    return null;
  }
  const percent = (value) => scoreText(value, true, 1);
  return plotFigure({
    title: "Calibration",
    note: `How often answers are right, by the probability that the model gave them (${number.toLocaleString("en")} answers; circles by their number).`,
    draw: (width) => calibrationPlot(width, bins, "Calibration"),
    head: ["confidence %", "right %", "low", "high", "n"],
    rows: bins.map((bin) => [percent(bin.confidence), percent(bin.accuracy), ...bin.interval.map(percent), String(bin.n)]),
  });
}

// Seconds with a unit that needs few digits.
function secondsText(seconds) {
  return seconds < 0.9995 ? `${Number((1000 * seconds).toPrecision(2))} ms` : `${Number(seconds.toPrecision(2))} s`;
}

function times(bins) {
  const all = bins.reduce((sum, { num_requests: count }) => sum + count, 0);
  if (all === 0) {
    return null;
  }
  const title = "Time of a request";
  return plotFigure({
    title,
    note: `Of ${all.toLocaleString("en")} requests, when they were first asked; also of those that came from the cache now.`,
    draw: (width) => histogram(width, bins, { title, write: secondsText }),
    head: ["from", "to", "requests"],
    rows: bins.map(({ low, high, num_requests: count }) => [secondsText(low), secondsText(high), String(count)]),
  });
}

/** A place for plots that is filled later. */
export const plotsHolder = () => el("section", { class: "charts", "aria-label": "Plots" });
