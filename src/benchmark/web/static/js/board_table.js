// The table of the leaderboard.

import { el } from "/static/js/dom.js";
import { isNumber, percent } from "/static/js/format.js";

import { runAddress } from "./address.js";
import { decimalsOf, rampClass, scoreNodes, scoreTitle } from "./scores.js";

const MODEL = "model";
const WINS = "wins";

/**
 * Return the table of these rows.
 *
 * @param {string} options.sort The key of a column, with "-" before it for descending; "" as they come.
 * @param {(sort: string) => void} options.onSort What a click on a header asks for.
 * @param {(model: string, isChosen: boolean) => void} options.onChoose Models chosen to be compared.
 */
export function boardTable(board, rows, { sort, chosen, onSort, onChoose }) {
  const columns = board.columns.map((column, place) => toColumn(column, place, board.rows));
  const sorted = sortRows(rows, columns, sort);
  const hasWins = board.rows.some((row) => row.win_rate !== null);
  const head = el(
    "tr",
    {},
    header(MODEL, "model", "", false, sort, onSort),
    hasWins && header(WINS, "mean win rate", "", true, sort, onSort),
    columns.map(({ key, title, details, note, profile }) =>
      header(key, title, [details, note].filter(Boolean).join(" · "), true, sort, onSort, profile),
    ),
  );
  return el(
    "table",
    { class: "board sticky-first" },
    el("thead", {}, head),
    el("tbody", {}, sorted.map((row) => keptRow(board.suite, row, columns, hasWins, chosen, onChoose))),
  );
}

function toColumn(column, place, rows) {
  const means = rows.map((row) => row.cells[place]?.mean);
  return {
    place,
    key: `${column.task}|${column.metric}`,
    title: column.display_name,
    details: column.details,
    note: column.metric_display_name,
    profile: column.profile,
    means,
    isProportion: column.is_proportion,
    higherIsBetter: column.higher_is_better,
    decimals: decimalsOf(means, column.is_proportion),
  };
}

function sortRows(rows, columns, sort) {
  const key = sort.replace(/^-/, "");
  const column = columns.find((one) => one.key === key);
  const values = {
    [MODEL]: (row) => row.model,
    [WINS]: (row) => row.win_rate,
  };
  const valueOf = column ? (row) => row.cells[column.place]?.mean ?? null : values[key];
  if (!valueOf) {
    return rows;
  }
  const sign = sort.startsWith("-") ? -1 : 1;
  // What is missing comes last, whichever way.
  const known = rows.filter((row) => valueOf(row) !== null);
  known.sort((a, b) => sign * (valueOf(a) < valueOf(b) ? -1 : valueOf(a) > valueOf(b) ? 1 : 0));
  return [...known, ...rows.filter((row) => valueOf(row) === null)];
}

function header(key, title, note, isNumeric, sort, onSort, profile = "") {
  const isOwn = sort.replace(/^-/, "") === key;
  const isDown = sort.startsWith("-");
  // Numbers start with the largest, names with the first.
  const next = isOwn ? (isDown ? key : `-${key}`) : isNumeric ? `-${key}` : key;
  return el(
    "th",
    {
      scope: "col",
      class: isNumeric ? "number" : "",
      "aria-sort": isOwn ? (isDown ? "descending" : "ascending") : null,
    },
    el("button", {
      type: "button",
      class: "link sort",
      textContent: `${title}${isOwn ? (isDown ? " ↓" : " ↑") : ""}`,
      onclick: () => onSort(next),
    }),
    note && el("span", { class: "column-note", textContent: note, title: note }),
    profile &&
      el("span", {
        class: "mark warn",
        textContent: profile,
        title: "asked in another way than the plain one",
      }),
  );
}

// Making the elements takes most of the time: those of a row that is still the same stay.
const made = new WeakMap();

function keptRow(suite, row, columns, hasWins, chosen, onChoose) {
  const element = made.get(row) ?? rowOf(suite, row, columns, hasWins, chosen, onChoose);
  made.set(row, element);
  element.querySelector("input").checked = chosen.includes(row.model);
  return element;
}

function rowOf(suite, row, columns, hasWins, chosen, onChoose) {
  return el(
    "tr",
    {},
    el(
      "th",
      { scope: "row", class: "model-name" },
      el("input", {
        type: "checkbox",
        "aria-label": `Compare ${row.model}`,
        checked: chosen.includes(row.model),
        onchange: (event) => onChoose(row.model, event.currentTarget.checked),
      }),
      breakable(row.model),
    ),
    hasWins && winCell(row),
    columns.map((column) => cellOf(suite, row.cells[column.place], column)),
  );
}

// A long name may go on below behind a "/".
const breakable = (name) =>
  name.split(/(?<=\/)/).flatMap((part, place) => (place > 0 ? [el("wbr"), part] : [part]));

function winCell({ win_rate: rate, win_interval: interval }) {
  const score = { mean: rate, interval };
  if (rate === null) {
    return el("td", { class: "number muted", textContent: "—", title: "meets no other model" });
  }
  return el(
    "td",
    { class: "number", title: scoreTitle(score, false) },
    scoreNodes(score, false, 2),
  );
}

function cellOf(suite, cell, column) {
  if (!cell) {
    return el("td", { class: "number muted missing", textContent: "—", title: "no such run" });
  }
  const link = el("a", { class: "cell-link", href: runAddress(suite, cell.run) });
  if (!isNumber(cell.mean)) {
    link.append(el("span", { class: "mark warn", textContent: standing(cell) }));
    return el("td", { class: "number missing", title: cell.run }, link);
  }
  const sign = { best: "", tied: cell.is_paired ? "= " : "≈ " }[cell.standing];
  const title = [scoreTitle(cell, column.isProportion), TITLES[cell.standing], cell.run];
  link.append(
    el("span", { class: "tie", textContent: sign ?? "" }),
    ...scoreNodes(cell, column.isProportion, column.decimals),
  );
  const lacks = lacking(cell);
  lacks && link.append(el("span", { class: "mark warn lacks", textContent: lacks }));
  return el(
    "td",
    {
      class: `number ${rampClass(cell.mean, column.means, column)} ${cell.standing ?? ""}`,
      title: title.filter(Boolean).join(" · "),
    },
    link,
  );
}

const TITLES = { best: "best of its column", tied: "can't be told from the best" };

// How a run without a score stands.
function standing({ status, num_done: done, num_requests: all }) {
  return status === "running" && all ? `running ${percent(done / all)}` : status;
}

function lacking(cell) {
  const { status, num_errors: errors, num_refused: refused, num_truncated: truncated } = cell;
  return [
    status !== "finished" && status,
    cell.is_outdated && "older metric",
    truncated > 0 && `${truncated} cut`,
    cell.num_unparsed > 0 && `${cell.num_unparsed} unparsed`,
    errors > 0 && `${errors} err`,
    refused > 0 && `${refused} refused`,
  ]
    .filter(Boolean)
    .join(", ");
}
