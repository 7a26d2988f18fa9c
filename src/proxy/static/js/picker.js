// A text field with a list of choices that fit what is typed, for models and for the search.

import { el } from "./dom.js";

const MAX_SHOWN = 60;
let number = 0;

/**
 * Give `input` a list below it, which is put into `holder`.
 *
 * @param {(query: string) => {value: string, label: string, detail?: string, mark?: string}[]} find
 *   The choices that fit, best first.
 * @param {(value: string) => void} pick Told the choice.
 * @param {boolean} options.isOpen Whether the list stays open, as in a search.
 */
export function attachPicker(input, holder, find, pick, { isOpen = false } = {}) {
  const list = el("ul", {
    class: "choices",
    role: "listbox",
    id: `choices-${++number}`,
    hidden: !isOpen,
  });
  list.setAttribute("aria-label", "Choices");
  holder.append(list);
  let chosen = -1;
  const set = (name, value) => input.setAttribute(name, value);
  Object.entries({
    role: "combobox",
    autocomplete: "off",
    "aria-autocomplete": "list",
    "aria-expanded": String(isOpen),
    "aria-controls": list.id,
  }).forEach(([name, value]) => set(name, value));

  const mark = (at) => {
    chosen = at;
    [...list.children].forEach((item, place) =>
      item.setAttribute("aria-selected", String(place === at)),
    );
    list.children[at]?.scrollIntoView({ block: "nearest" });
    set("aria-activedescendant", list.children[at]?.id ?? "");
  };
  const show = (query) => {
    const found = find(query).slice(0, MAX_SHOWN);
    list.replaceChildren(...found.map((choice, place) => toItem(choice, `${list.id}-${place}`)));
    list.hidden = !isOpen && found.length === 0;
    set("aria-expanded", String(!list.hidden));
    mark(isOpen && found.length ? 0 : -1);
  };
  const close = () => {
    list.hidden = !isOpen;
    set("aria-expanded", "false");
    mark(-1);
  };

  input.addEventListener("input", () => show(input.value));
  input.addEventListener("focus", () => show(isOpen ? input.value : ""));
  input.addEventListener("blur", () => !isOpen && close());
  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (list.hidden) {
        show("");
      }
      const last = list.children.length - 1;
      mark(event.key === "ArrowDown" ? Math.min(chosen + 1, last) : Math.max(chosen - 1, 0));
    } else if (event.key === "Enter" && !event.ctrlKey && !event.metaKey && chosen >= 0) {
      event.preventDefault();
      take(list.children[chosen]);
    } else if (event.key === "Escape" && !isOpen && !list.hidden) {
      event.stopPropagation();
      close();
    }
  });
  // Not "click": the field would lose the focus, and the list be gone, before it comes.
  list.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    const item = event.target.closest("li");
    if (item) {
      take(item);
    }
  });
  const take = (item) => {
    close();
    pick(item.dataset.value);
  };
  if (isOpen) {
    show("");
  }
}

function toItem({ value, label, detail, mark }, id) {
  const item = el(
    "li",
    { role: "option", id, "aria-selected": "false" },
    el("span", { class: "grow", textContent: label }),
    mark && el("span", { class: "tag", textContent: mark }),
    detail && el("span", { class: "muted", textContent: detail }),
  );
  item.dataset.value = value;
  return item;
}

/** Those of `items` whose text has all words of the query; what begins with the query comes first. */
export function matching(items, query, textOf) {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  const hits = items.filter((item) => {
    const text = textOf(item).toLowerCase();
    return words.every((word) => text.includes(word));
  });
  const begins = (item) =>
    textOf(item)
      .toLowerCase()
      .startsWith(words[0] ?? "")
      ? 0
      : 1;
  return hits.sort((a, b) => begins(a) - begins(b));
}
