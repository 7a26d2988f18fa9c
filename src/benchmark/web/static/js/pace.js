// How fast a run goes, and when it will be done, from what was seen of it.

import { isNumber } from "/static/js/format.js";

const KEPT = 15;
const ENOUGH_SECONDS = 5; // of looking on; before that the mean since the run's start says more

export class Pace {
  #seen = [];
  #mean = 0; // requests a second, since the run was started

  /** Note how a run stands now; only what is new is kept. */
  note({ num_done: done, progress }, now = Date.now() / 1000) {
    if (done !== this.#seen.at(-1)?.done) {
      this.#seen = [...this.#seen, { done, now }].slice(-KEPT);
    }
    if (progress && progress.noted_at > progress.began_at) {
      const fresh = done - progress.num_resumed;
      this.#mean = fresh / (progress.noted_at - progress.began_at);
    }
  }

  /** Requests a second; 0 while that is not known. */
  get rate() {
    const [first, last] = [this.#seen[0], this.#seen.at(-1)];
    const seconds = first ? last.now - first.now : 0;
    if (this.#mean > 0 && seconds < ENOUGH_SECONDS) {
      return this.#mean;
    }
    return seconds > 0 ? (last.done - first.done) / seconds : 0;
  }

  /** "12.3/s · 4 min left", or nothing while that is not known. */
  describe(all) {
    const { rate } = this;
    if (rate <= 0) {
      return "";
    }
    const done = this.#seen.at(-1).done;
    const left = isNumber(all) ? ` · ${duration((all - done) / rate)} left` : "";
    return `${rate >= 10 ? Math.round(rate) : rate.toFixed(1)}/s${left}`;
  }
}

/** Seconds as people say them. */
export function duration(seconds) {
  if (seconds < 90) {
    return `${Math.ceil(seconds)} s`;
  }
  return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}
