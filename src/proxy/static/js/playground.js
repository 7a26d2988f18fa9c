// The playground: a prompt with variables, its settings, and the answers side by side.

import { Chat } from "./chat.js";
import { announce, byId, copy, failure } from "./dom.js";
import { ASK_ABOVE, describeQuery, expand } from "./expansion.js";
import { askToLogIn, startFrame } from "./frame.js";
import { remember } from "./history.js";
import { firstModel, generalInfo } from "./info.js";
import { moveWithKeys, shortcut } from "./keys.js";
import { fillExamples, fillHistory } from "./menus.js";
import { Results } from "./results.js";
import { Run } from "./run.js";
import { currentAccount } from "./session.js";
import { SettingsForm } from "./settings_form.js";

const TEXTS = ["prompt", "settings", "environments"];
const box = Object.fromEntries(TEXTS.map((name) => [name, byId(name)]));

const form = new SettingsForm(byId("fields"), box.settings, byId("settings-problem"));
const results = new Results(byId("results"), byId("candidates"), askAgain);
const chat = new Chat(byId("chat"), () => box.settings.value);
const isNarrow = matchMedia("(max-width: 1000px)"); // then the results are below the editor
let run = null;

// --- What the address holds ----------------------------------------------------------------------

const query = () => Object.fromEntries(TEXTS.map((name) => [name, box[name].value]));
const isChat = () => document.body.classList.contains("chat-mode");

function address() {
  const parameters = new URLSearchParams(
    isChat() ? { mode: "chat", settings: box.settings.value, messages: chat.asText() } : query(),
  );
  return `${location.pathname}?${parameters}`;
}

function keepInAddress() {
  if (address() !== location.pathname + location.search) {
    window.history.pushState(null, "", address());
  }
}

/** Show what an address holds; says whether it holds anything. */
function readAddress() {
  // Behind "#" is what may be too long to be sent to a server.
  const parameters = new URLSearchParams(location.search || location.hash.slice(1));
  setMode(parameters.get("mode") === "chat");
  for (const name of TEXTS) {
    box[name].value = parameters.get(name) ?? "";
  }
  chat.setText(parameters.get("messages") ?? "");
  onEdit();
  form.show();
  return TEXTS.some((name) => parameters.has(name)) || parameters.has("messages");
}

function fill(texts) {
  setMode(false);
  for (const name of TEXTS) {
    box[name].value = texts[name] ?? "";
  }
  form.show();
  onEdit();
  keepInAddress();
  box.prompt.focus();
}

function setMode(isNowChat) {
  document.body.classList.toggle("chat-mode", isNowChat);
  byId("mode-completion").setAttribute("aria-pressed", String(!isNowChat));
  byId("mode-chat").setAttribute("aria-pressed", String(isNowChat));
}

// --- Before a run --------------------------------------------------------------------------------

function onEdit() {
  const { note, problem } = describeQuery(query());
  byId("run-count").textContent = note;
  byId("environments-problem").textContent = problem;
}

function showProblem(error) {
  const holder = error.message.startsWith("environments") ? byId("environments-problem") : null;
  if (holder) {
    holder.textContent = error.full ?? error.message;
  } else if (error.status === 400 || error.status === 422) {
    form.showServerError(error.full);
  } else {
    byId("results").replaceChildren(failure(error, start));
  }
  announce(error.message);
}

// --- The run -------------------------------------------------------------------------------------

async function start() {
  if (!currentAccount() && !(await askToLogIn("Requests need an API key."))) {
    return;
  }
  if (isChat()) {
    chat.send();
    return;
  }
  if (run) {
    return;
  }
  setRunning(true);
  try {
    const [rows, info] = await Promise.all([expand(query()), generalInfo()]);
    if (rows.length > ASK_ABOVE && !confirm(`Send ${rows.length} requests?`)) {
      return;
    }
    keepInAddress();
    remember(query());
    results.show(rows, info.all_models);
    byId("results-panel").classList.remove("empty");
    if (isNarrow.matches) {
      byId("results-panel").scrollIntoView({ behavior: "smooth" });
    }
    run = new Run(rows, onRow);
    await run.start();
    announce(results.summary());
  } catch (error) {
    showProblem(error);
  } finally {
    run = null;
    setRunning(false);
  }
}

let drawing = 0;

// Once a frame, however many rows change.
function showSummary() {
  drawing ||= requestAnimationFrame(() => {
    drawing = 0;
    byId("summary").textContent = results.summary();
  });
}

function onRow(row) {
  results.update(row);
  showSummary();
}

async function askAgain(row) {
  row.request = { ...row.request, max_cache_age: 0 };
  await new Run([row], onRow).start();
  announce(results.summary());
}

function setRunning(isRunning) {
  byId("run").disabled = isRunning;
  byId("cancel").disabled = !isRunning;
}

function cancel() {
  run?.cancel();
  chat.cancel();
}

// --- Start ---------------------------------------------------------------------------------------

function listen() {
  byId("editor").addEventListener("submit", (event) => {
    event.preventDefault();
    start();
  });
  byId("cancel").addEventListener("click", cancel);
  byId("copy-link").addEventListener("click", (event) =>
    copy(location.origin + address(), event.currentTarget),
  );
  byId("group-by").addEventListener("change", () => results.draw());
  TEXTS.forEach((name) => box[name].addEventListener("input", onEdit));
  for (const [id, isNowChat] of [
    ["mode-completion", false],
    ["mode-chat", true],
  ]) {
    byId(id).addEventListener("click", () => {
      setMode(isNowChat);
      keepInAddress();
    });
  }
  chat.onBusy = setRunning;
  chat.onSend = start;
  chat.onChange = () => window.history.replaceState(null, "", address());
  window.addEventListener("popstate", readAddress);
  shortcut("Mod+Enter", "Run", start);
  moveWithKeys(() => [...document.querySelectorAll(isChat() ? "#chat .turn" : "tr.line")]);
  fillHistory(byId("history"), fill);
}

async function fillFromServer() {
  const isFilled = readAddress();
  try {
    const info = await generalInfo();
    fillExamples(byId("examples"), info.example_queries, fill);
    if (!isFilled && !box.settings.value) {
      box.settings.value = `model: ${firstModel(info)}\n`;
      form.show();
    }
  } catch (error) {
    byId("results").replaceChildren(failure(error, fillFromServer));
  }
}

listen();
startFrame();
fillFromServer();
