// The only place that talks to the server. The browser's session cookie says who asks.

/** What the server answered in place of a result; `message` is fit for people. */
export class ApiError extends Error {
  constructor(message, { status = 0, code = "", requestId = "", body = null } = {}) {
    super(message);
    Object.assign(this, { status, code, requestId, body });
  }

  /** The message and the id that finds the call in the server's log. */
  get full() {
    return this.requestId ? `${this.message} (request ${this.requestId})` : this.message;
  }
}

/** Return the JSON that the server answers. Throws ApiError, or AbortError where `signal` aborts. */
export async function call(method, path, body = undefined, { signal } = {}) {
  const response = await send(method, path, body, signal);
  const text = await response.text();
  return text ? parse(text, response) : null;
}

export const get = (path, options) => call("GET", path, undefined, options);
export const post = (path, body, options) => call("POST", path, body, options);
export const put = (path, body, options) => call("PUT", path, body, options);
export const remove = (path, body, options) => call("DELETE", path, body, options);

/** Yield the parsed data of each server-sent event, up to `[DONE]`. */
export async function* events(path, body, { signal } = {}) {
  const response = await send("POST", path, body, signal);
  if (!(response.headers.get("Content-Type") ?? "").startsWith("text/event-stream")) {
    yield parse(await response.text(), response);
    return;
  }
  for await (const event of split(response.body.pipeThrough(new TextDecoderStream()))) {
    const lines = event.split("\n").filter((line) => line.startsWith("data:"));
    const data = lines.map((line) => line.slice(5).trim()).join("\n");
    if (data === "[DONE]") {
      return;
    }
    if (data) {
      const value = parse(data, response);
      if (value.error) {
        throw toError(value, response);
      }
      yield value;
    }
  }
}

/**
 * Tell `react` the parsed data of each event of a path that sends them; `fail` is told once that it
 * sends none. Returns a function that ends it.
 */
export function subscribe(path, react, fail) {
  const source = new EventSource(path);
  source.addEventListener("message", (event) => react(JSON.parse(event.data)));
  // A connection that broke is made again by the browser; one that was refused is closed.
  source.addEventListener("error", () => source.readyState === EventSource.CLOSED && fail());
  return () => source.close();
}

async function* split(stream) {
  let rest = "";
  const reader = stream.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) {
        break;
      }
      const pieces = (rest + value).replaceAll("\r\n", "\n").split("\n\n");
      rest = pieces.pop();
      yield* pieces;
    }
  } finally {
    reader.cancel().catch(() => {});
  }
  if (rest.trim()) {
    yield rest;
  }
}

async function send(method, path, body, signal) {
  const options = { method, signal, credentials: "same-origin", headers: {} };
  if (body !== undefined) {
    options.headers["Content-Type"] = "application/json";
    options.body = JSON.stringify(body);
  }
  let response;
  try {
    response = await fetch(path, options);
  } catch (error) {
    if (error.name === "AbortError") {
      throw error;
    }
    throw new ApiError("The server can't be reached.");
  }
  if (!response.ok) {
    throw toError(await response.json().catch(() => null), response);
  }
  return response;
}

function toError(body, response) {
  const error = body?.error ?? {};
  const message = error.message || `The server answered ${response.status}.`;
  const requestId = error.request_id || response.headers.get("X-Request-Id") || "";
  return new ApiError(message, {
    status: response.status,
    code: error.code ?? "",
    requestId,
    body,
  });
}

function parse(text, response) {
  try {
    return JSON.parse(text);
  } catch {
    throw new ApiError("The server's answer is not JSON.", { status: response.status });
  }
}
