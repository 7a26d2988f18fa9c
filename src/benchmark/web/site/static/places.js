// Where pages and files are in a copy of the pages as plain files. Takes the place of `places.js`.

import { fileOf } from "/static/js/api.js";

/** The path of a page; one run has a page of its own. */
export function pathOf(page, values = {}) {
  const name = page === "/runs" && values.run?.length ? "run" : page.slice(1);
  return `${name}.html`;
}

export const fileAddress = fileOf;
