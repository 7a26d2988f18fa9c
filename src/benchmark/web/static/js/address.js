// What the address of a page holds, so that it can be shared, reloaded and left by Back.

import { pathOf } from "./places.js";

export const parameters = () => new URLSearchParams(location.search);
export const parameter = (name) => parameters().get(name) ?? "";

/** A path with these parameters; empty ones are left out, of a list each stands for itself. */
export function addressOf(path, values) {
  const own = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== "" && one !== null && one !== undefined) {
        own.append(name, String(one));
      }
    }
  }
  return own.size > 0 ? `${path}?${own}` : path;
}

/** All values of a parameter that stands several times. */
export const allOf = (name) => parameters().getAll(name);

/** The address of a page, such as "/runs", with these parameters. */
export const pageAddress = (page, values) => addressOf(pathOf(page, values), values);

/** Change parameters of this page's address; `isNew` adds a step that Back undoes. */
export function keep(changes, { isNew = false } = {}) {
  const names = [...new Set(parameters().keys())];
  const now = Object.fromEntries(names.map((name) => [name, parameters().getAll(name)]));
  const values = { ...now, ...changes };
  const next = addressOf(location.pathname, values);
  if (next !== location.pathname + location.search) {
    history[isNew ? "pushState" : "replaceState"](null, "", next);
  }
}

export const runAddress = (suite, run, more = {}) =>
  pageAddress("/runs", { suite, run, ...more });

/** The path of a run in the API. */
export const runPath = (suite, run) =>
  `/api/runs/${encodeURIComponent(suite)}/${encodeURIComponent(run)}`;
