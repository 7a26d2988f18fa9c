// Who is logged in. The key itself is sent once and kept nowhere: the browser holds a cookie that
// scripts can't read.

import { get, post, remove } from "./api.js";

const changes = new EventTarget();

let account = null;

/** The account of this browser's session, or null. */
export const currentAccount = () => account;

/** Call `react` with the account (or null) now, once it is known, and whenever it changes. */
export function onAccount(react) {
  changes.addEventListener("change", () => react(account));
  if (isKnown) {
    react(account);
  }
}

let isKnown = false;

/** Ask the server who is logged in. */
export async function refresh() {
  let found = null;
  try {
    found = await get("/api/session");
  } catch (error) {
    if (error.status !== 401) {
      throw error;
    }
  }
  set(found);
}

export async function logIn(apiKey) {
  await post("/api/session", { api_key: apiKey });
  await refresh();
}

export async function logOut() {
  await remove("/api/session");
  set(null);
}

function set(found) {
  account = found;
  isKnown = true;
  changes.dispatchEvent(new Event("change"));
}
