// What the API answers, from files beside the page. Takes the place of `api.js` in a copy of the
// pages as plain files: a browser may load scripts of a folder, and nothing else.

const NOT_FOUND = 404;
const SESSION = { id: 0, description: "copy", key_prefix: "", is_admin: false };

const index = window.benchIndex; // what is asked → the file that answers
const answers = new Map(); // by file
const waiting = new Map();

// Called by each file of data.
window.benchAnswer = (name, json) => answers.set(name, json);

/** What can't be answered; `message` is fit for people. */
export class ApiError extends Error {
  constructor(message, { status = 0 } = {}) {
    super(message);
    Object.assign(this, { status, code: "", requestId: "", body: null });
  }

  get full() {
    return this.message;
  }
}

/** The name under which the answer to this path is kept: path and parameters, in order. */
export function keyOf(path) {
  const [place, query = ""] = path.split("?");
  const own = [...new URLSearchParams(query)].map(([name, value]) => `${name}=${value}`);
  return [decodeURIComponent(place), ...own.sort()].join("\n");
}

/** The address of a file that the API makes; "" where this copy has none. */
export const fileOf = (path) => `${index.folder}${index.files[keyOf(path)] ?? ""}`;

export async function get(path) {
  if (path === "/api/session") {
    return SESSION;
  }
  const name = index.answers[keyOf(path)];
  if (!name) {
    throw new ApiError("That is not a part of this copy of the results.", { status: NOT_FOUND });
  }
  if (!answers.has(name)) {
    await load(name);
  }
  return JSON.parse(answers.get(name));
}

function load(name) {
  if (!waiting.has(name)) {
    const loaded = new Promise((done, failed) => {
      const script = document.createElement("script");
      script.src = `${index.folder}${name}`;
      script.onload = done;
      script.onerror = () => failed(new ApiError(`A file of this copy is missing: ${script.src}`));
      document.head.append(script);
    });
    waiting.set(name, loaded);
    loaded.catch(() => waiting.delete(name)); // the next one tries again
  }
  return waiting.get(name);
}

// Nothing can be changed here.
export async function call() {
  throw new ApiError("This is a copy of results: nothing can be asked of it or changed in it.");
}

export const post = call;
export const put = call;
export const remove = call;

export async function* events() {
  await call();
}

// And nothing changes.
export const subscribe = () => () => {};
