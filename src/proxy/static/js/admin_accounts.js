// The table of all accounts.

import { openAccountPanel } from "./admin_panel.js";
import { el } from "./dom.js";
import { ago, count, dollars, exactTime } from "./format.js";

const MAX_ROWS = 200;
// Groups that are counted beside models: their tokens are no model's.
const NO_MODELS = ["tokenizers", "toxicity"];

/**
 * Show `accounts` in `holder`.
 *
 * @param {{q: string, group: string}} asked What to show of them at first.
 * @param {(asked: object) => void} keep Told what is asked for, so that the address can hold it.
 * @param {() => void} onChange Told that an account was changed.
 */
export function showAccounts(holder, accounts, asked, keep, onChange) {
  const groups = [...new Set(accounts.flatMap((account) => account.groups))].sort();
  const search = el("input", {
    type: "search",
    id: "account-search",
    placeholder: "Search",
    "aria-label": "Search accounts",
    value: asked.q,
  });
  const group = el(
    "select",
    { "aria-label": "Group" },
    el("option", { value: "", textContent: "all groups" }),
    groups.map((name) => el("option", { value: name, textContent: name })),
  );
  group.value = groups.includes(asked.group) ? asked.group : "";
  const add = el("button", {
    type: "button",
    class: "primary",
    textContent: "New account",
    onclick: () => openAccountPanel(null, onChange),
  });
  const body = el("tbody");
  const number = el("span", { class: "muted", role: "status" });
  const head = [
    "account",
    "e-mail",
    "groups",
    "key",
    "tokens this month",
    "cost",
    "last seen",
    "",
  ].map((name) =>
    el("th", {
      scope: "col",
      textContent: name,
      class: ["tokens this month", "cost"].includes(name) ? "number" : "",
    }),
  );
  const draw = () => {
    const found = accounts.filter((account) => matches(account, search.value, group.value));
    body.replaceChildren(...found.slice(0, MAX_ROWS).map((account) => rowOf(account, onChange)));
    number.textContent =
      found.length > MAX_ROWS
        ? `${MAX_ROWS} of ${found.length}: search for the others`
        : `${found.length} of ${accounts.length}`;
    keep({ q: search.value, group: group.value });
  };
  search.addEventListener("input", draw);
  group.addEventListener("change", draw);
  holder.replaceChildren(
    el("div", { class: "bar tools" }, search, group, number, el("span", { class: "grow" }), add),
    el(
      "div",
      { class: "scroll" },
      el("table", { class: "sticky-first" }, el("thead", {}, el("tr", {}, head)), body),
    ),
  );
  draw();
}

function matches(account, text, group) {
  const all = [
    account.id,
    account.description,
    account.key_prefix,
    ...account.emails,
    ...account.groups,
  ]
    .join(" ")
    .toLowerCase();
  return (
    (!group || account.groups.includes(group)) &&
    text
      .toLowerCase()
      .split(/\s+/)
      .every((word) => all.includes(word))
  );
}

function monthly(account) {
  const months = Object.entries(account.usages)
    .filter(([group]) => !NO_MODELS.includes(group))
    .map(([, periods]) => periods.monthly)
    .filter(Boolean);
  const sum = (name) => months.reduce((total, usage) => total + (usage[name] ?? 0), 0);
  return [count(sum("used")), dollars(sum("cost_used"))];
}

function rowOf(account, onChange) {
  const [tokens, cost] = monthly(account);
  const open = () => openAccountPanel(account, onChange);
  const row = el(
    "tr",
    {
      class: "line",
      tabIndex: 0,
      onclick: (event) => event.target.closest("button") || open(),
      onkeydown: (event) => event.key === "Enter" && event.target === row && open(),
    },
    el(
      "td",
      {},
      account.description || `account ${account.id}`,
      " ",
      account.is_admin && el("span", { class: "tag", textContent: "admin" }),
      account.deleted_at && el("span", { class: "tag", textContent: "ended" }),
    ),
    el("td", { textContent: account.emails.join(", ") }),
    el("td", { textContent: account.groups.join(", ") }),
    el("td", {}, el("code", { textContent: `${account.key_prefix}…` })),
    el("td", { class: "number", textContent: tokens }),
    el("td", { class: "number", textContent: cost }),
    el("td", { textContent: ago(account.last_used_at), title: exactTime(account.last_used_at) }),
    el(
      "td",
      {},
      el("button", {
        type: "button",
        class: "link",
        textContent: "Edit",
        onclick: open,
        "aria-label": `Edit ${account.description || account.id}`,
      }),
    ),
  );
  return row;
}
