// How the runs of a suite stand, as that changes: by events, or by asking again and again where the
// server has no thread for them.

import { get, subscribe } from "/static/js/api.js";

const BUSY_SECONDS = 2; // between two questions, while something is running
const IDLE_SECONDS = 10;
const RETRY_SECONDS = 60; // after events were refused

let end = () => {};

/**
 * Call `react(runs, gone)` with the runs of `suite` that are new or changed, and the names of those
 * that are gone, until this is called for another suite. A page that is not seen asks for nothing.
 *
 * @param {number} since When the latest change was that the page knows, in seconds since the epoch.
 */
export function watchRuns(suite, since, react) {
  end();
  const known = new Map();
  const note = ({ runs: changed, gone }) => {
    changed.forEach((run) => known.set(run.name, run));
    gone.forEach((name) => known.delete(name));
    react(changed, gone);
  };
  let stop = () => {};
  const look = () => {
    stop();
    stop = document.visibilityState === "visible" ? listen(suite, since, known, note) : () => {};
  };
  document.addEventListener("visibilitychange", look);
  end = () => {
    document.removeEventListener("visibilitychange", look);
    stop();
  };
  look();
}

const pathOf = (suite) => `/api/runs/${encodeURIComponent(suite)}`;

function listen(suite, since, known, note) {
  let stopAsking = () => {};
  const stopEvents = subscribe(`${pathOf(suite)}/events?since=${since}`, note, () => {
    stopAsking = ask(suite, since, known, note);
  });
  return () => {
    stopEvents();
    stopAsking();
  };
}

function ask(suite, since, known, note) {
  const until = Date.now() + RETRY_SECONDS * 1000;
  let isWanted = true;
  let stopEvents = () => {};
  const again = async () => {
    if (!isWanted) {
      return;
    }
    if (Date.now() > until) {
      stopEvents = listen(suite, since, known, note);
      return;
    }
    try {
      const { runs } = await get(pathOf(suite));
      isWanted && note(difference(known, runs));
    } catch {
      // The next question may have an answer.
    }
    const isBusy = [...known.values()].some((run) => run.status === "running");
    setTimeout(again, (isBusy ? BUSY_SECONDS : IDLE_SECONDS) * 1000);
  };
  setTimeout(again, BUSY_SECONDS * 1000);
  return () => {
    isWanted = false;
    stopEvents();
  };
}

function difference(known, runs) {
  const names = new Set(runs.map((run) => run.name));
  const isSame = (run) => JSON.stringify(run) === JSON.stringify(known.get(run.name));
  return {
    runs: runs.filter((run) => !isSame(run)),
    gone: [...known.keys()].filter((name) => !names.has(name)),
  };
}
