// The search over models, examples and pages, and what the pages of other packages can find.

import { get } from "./api.js";
import { el, openDialog } from "./dom.js";
import { generalInfo } from "./info.js";
import { byUse, isRetired } from "./model_facts.js";
import { attachPicker, matching } from "./picker.js";
import { oneLine } from "./text.js";

/** The address of the playground with these texts. */
export function playgroundUrl({ prompt = "", settings = "", environments = "" }) {
  return `/?${new URLSearchParams({ prompt, settings, environments })}`;
}

function pages() {
  return [...document.querySelectorAll("#nav a")].map((link) => ({
    value: link.getAttribute("href"),
    label: link.textContent,
    mark: "page",
  }));
}

function places({ all_models: models, example_queries: examples }) {
  return [
    ...byUse(models).map((model) => ({
      value: playgroundUrl({ settings: `model: ${model.name}` }),
      label: model.name,
      detail: model.display_name,
      mark: isRetired(model) ? "retired" : "model",
    })),
    ...examples.map((example) => ({
      value: playgroundUrl(example),
      label: oneLine(example.prompt, 60),
      mark: "example",
    })),
  ];
}

const TYPING_MILLISECONDS = 150;
const MAX_PARAMETER = 200;
const MAX_OWN = 20; // so that what the server finds is seen as well

// What the routes find that the links of the header name for that; a package without answers, or
// somebody without a key, finds less.
async function askOthers(query, signal) {
  const routes = [...document.querySelectorAll("#nav a[data-search]")].map((link) => link.dataset.search);
  // The page's own parameters say where to look first; those that hold whole texts do not.
  const own = [...new URLSearchParams(location.search)].filter(([, value]) => value.length < MAX_PARAMETER);
  const asked = new URLSearchParams(own);
  asked.set("q", query);
  const answers = await Promise.allSettled(routes.map((route) => get(`${route}?${asked}`, { signal })));
  return answers
    .filter(({ status }) => status === "fulfilled")
    .flatMap(({ value }) => value.places)
    .map(({ address, label, detail, mark }) => ({ value: address, label: oneLine(label, 90), detail, mark }));
}

/** Open the search; a choice leads to its page. */
export async function openSearch() {
  if (document.querySelector("dialog.search")) {
    return;
  }
  let found = pages();
  let others = []; // found by the server for `asked`
  let asked = "";
  let asking = null;
  let timer = 0;
  const input = el("input", {
    type: "search",
    "aria-label": "Search models, examples, runs, samples and pages",
    placeholder: "Model, example, run, task, sample or page",
  });
  const holder = el("div", { class: "search-results" });
  const askSoon = (query) => {
    if (query === asked) {
      return;
    }
    asked = query;
    others = [];
    clearTimeout(timer);
    asking?.abort();
    asking = new AbortController();
    const { signal } = asking;
    timer = setTimeout(async () => {
      const places = query ? await askOthers(query, signal) : [];
      if (!signal.aborted) {
        others = places;
        input.dispatchEvent(new Event("input"));
      }
    }, TYPING_MILLISECONDS);
  };
  const dialog = openDialog("Search", input, holder);
  dialog.classList.add("search");
  attachPicker(
    input,
    holder,
    (query) => {
      askSoon(query.trim());
      const own = matching(found, query, (place) => `${place.label} ${place.detail ?? ""}`);
      return query.trim() ? [...own.slice(0, MAX_OWN), ...others] : own;
    },
    (value) => {
      location.href = value;
    },
    { isOpen: true },
  );
  dialog.addEventListener("close", () => asking?.abort());
  input.focus();
  try {
    found = [...found, ...places(await generalInfo())];
    input.dispatchEvent(new Event("input"));
  } catch (error) {
    holder.prepend(el("p", { class: "field-error", textContent: error.full ?? error.message }));
  }
}
