// What all pages share: the menu, the theme, who is logged in, the search and the keys.

import { byId, el, openDialog } from "./dom.js";
import { shortcut } from "./keys.js";
import { openSearch } from "./search.js";
import { currentAccount, logIn, logOut, onAccount, refresh } from "./session.js";

// --- Theme ---------------------------------------------------------------------------------------

const root = document.documentElement;
const prefersDark = matchMedia("(prefers-color-scheme: dark)");

function showTheme() {
  const theme = root.dataset.theme ?? "system";
  const button = byId("theme-button");
  button.textContent = { light: "☀", dark: "☾", system: "◐" }[theme];
  button.title = `Theme: ${theme}`;
  button.setAttribute("aria-label", `Theme: ${theme}. Change it`);
}

// The theme that is not the system's, then back to the system's.
function changeTheme() {
  const other = prefersDark.matches ? "light" : "dark";
  const next = root.dataset.theme ? null : other;
  if (next) {
    root.dataset.theme = next;
    localStorage.setItem("theme", next);
  } else {
    delete root.dataset.theme;
    localStorage.removeItem("theme");
  }
  showTheme();
}

// --- Menus ---------------------------------------------------------------------------------------

function closeMenus(event) {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target) || event.type === "keydown") {
      menu.open = false;
      if (event.type === "keydown") {
        menu.querySelector("summary").focus();
      }
    }
  }
}

function toggleNavigation() {
  const isOpen = byId("nav").classList.toggle("open");
  byId("menu-button").setAttribute("aria-expanded", String(isOpen));
}

// --- Account -------------------------------------------------------------------------------------

/** Ask for a key; resolves to whether somebody is logged in when the dialog closes. */
export function askToLogIn(reason = "") {
  return new Promise((resolve) => {
    const key = el("input", {
      type: "password",
      id: "login-key",
      autocomplete: "current-password",
      required: true,
      spellcheck: false,
    });
    const problem = el("p", { class: "field-error", role: "alert" });
    const button = el("button", { class: "primary", textContent: "Log in" });
    const form = el(
      "form",
      { class: "stack" },
      reason && el("p", { textContent: reason }),
      el("label", { htmlFor: "login-key", textContent: "API key" }),
      key,
      el("p", {
        class: "muted small",
        textContent:
          "It is sent once; the browser keeps a session that scripts can't read, and never the key.",
      }),
      problem,
      el("div", { class: "bar end" }, button),
    );
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      button.disabled = true;
      try {
        await logIn(key.value.trim());
        dialog.close();
      } catch (error) {
        problem.textContent = error.full ?? error.message;
        key.select();
      } finally {
        button.disabled = false;
      }
    });
    const dialog = openDialog("Log in", form);
    dialog.addEventListener("close", () => resolve(currentAccount() !== null));
    key.focus();
  });
}

function openAccountMenu() {
  const account = currentAccount();
  if (!account) {
    askToLogIn();
    return;
  }
  const leave = el("button", {
    type: "button",
    textContent: "Log out",
    onclick: async () => {
      await logOut();
      dialog.close();
    },
  });
  const dialog = openDialog(
    account.description || `Account ${account.id}`,
    el("p", { class: "muted" }, "Key ", el("code", { textContent: `${account.key_prefix}…` })),
    el(
      "ul",
      { class: "menu-links" },
      el(
        "li",
        {},
        el("a", { href: "/static/account.html", textContent: "Account, usage and key" }),
      ),
      account.is_admin &&
        el("li", {}, el("a", { href: "/static/admin.html", textContent: "Administration" })),
    ),
    el("div", { class: "bar end" }, leave),
  );
}

function showAccount(found) {
  const button = byId("account-button");
  const name = found ? found.description || found.key_prefix : "Log in";
  button.replaceChildren(
    el("span", { "aria-hidden": "true", textContent: "⚷ " }),
    el("span", { class: "account-name", textContent: name }),
  );
  button.setAttribute("aria-label", found ? `Account ${name}` : "Log in");
  button.title = found ? `Logged in with ${found.key_prefix}…` : "Log in with an API key";
}

// --- Start ---------------------------------------------------------------------------------------

/** Bring the header to life. */
export function startFrame() {
  showTheme();
  byId("theme-button").addEventListener("click", changeTheme);
  byId("menu-button").addEventListener("click", toggleNavigation);
  byId("search-button").addEventListener("click", openSearch);
  byId("account-button").addEventListener("click", openAccountMenu);
  document.addEventListener("click", closeMenus);
  document.addEventListener("keydown", (event) => event.key === "Escape" && closeMenus(event));
  shortcut("Mod+k", "Search models, runs, samples and pages", openSearch);
  onAccount(showAccount);
  return refresh().catch(() => showAccount(null));
}
