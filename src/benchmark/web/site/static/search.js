// The search in a copy of the pages: over its runs and pages. Takes the place of `search.js`.

import { get } from "/static/js/api.js";
import { el, openDialog } from "/static/js/dom.js";
import { attachPicker, matching } from "/static/js/picker.js";
import { runAddress } from "/static/benchmark/js/address.js";

/** Open the search; a choice leads to its page. */
export async function openSearch() {
  if (document.querySelector("dialog.search")) {
    return;
  }
  let found = [...document.querySelectorAll("#nav a")].map((link) => ({
    value: link.getAttribute("href"),
    label: link.textContent,
    mark: "page",
  }));
  const label = "Search runs and pages";
  const input = el("input", { type: "search", "aria-label": label, placeholder: "Run or page" });
  const holder = el("div", { class: "search-results" });
  const dialog = openDialog("Search", input, holder);
  dialog.classList.add("search");
  attachPicker(
    input,
    holder,
    (query) => matching(found, query, (place) => place.label),
    (value) => {
      location.href = value;
    },
    { isOpen: true },
  );
  input.focus();
  const { suites } = await get("/api/runs");
  const { runs } = await get(`/api/runs/${encodeURIComponent(suites[0])}`);
  found = [
    ...found,
    ...runs.map(({ name }) => ({ value: runAddress(suites[0], name), label: name, mark: "run" })),
  ];
  input.dispatchEvent(new Event("input"));
}

/** There is no playground in a copy; no page of it asks for one. */
export const playgroundUrl = () => "";
