// Autosave. Operations wait here until the backend has them: one batch is under way at a time, it is sent again until it is
// answered, and the operations' ids make a second arrival harmless.

import { reaches, touching } from "./mending.js";

const TYPING_MS = 350; // typing in a form is gathered for so long
const ANSWER_MS = 12_000; // no answer for so long: the connection is gone
const MOST = 500; // operations in a batch
const MOST_CHARACTERS = 250_000; // of their JSON: a pasted workflow goes in several batches, each soon answered
const SETTINGS = "@settings"; // trestle.contracts.workflows.SETTINGS_PATH: a revision that touched nothing else leaves the graph as it is
const RETRY_MS = [1000, 2000, 4000, 8000, 15_000];

// As crypto.randomUUID would be, which browsers keep from pages that did not come by HTTPS.
const newId = () => {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
};

const isOfSettings = ({ touched }) => touched?.length === 1 && touched[0] === SETTINGS;

export class Outbox {
  /** `send(batch)` hands `{batch, base_revision, operations}` over; `changed(state)` hears `saved`, `saving` or `retrying`. */
  constructor({ send, changed, clock = globalThis }) {
    this.settled = [];
    this.send = send;
    this.changed = changed;
    this.clock = clock;
    this.reset(0);
  }

  /** Forgets everything: a draft at `revision` was loaded. */
  reset(revision) {
    this.clock.clearTimeout(this.timer);
    this.revision = revision; // everything up to here has been seen: what is sent is based on it
    this.seen = revision; // what others did up to here has been seen
    this.waiting = [];
    this.underWay = null;
    this.attempt = 0;
    this.batch = Date.now();
    this.settle(false);
    this.refused = [];
    this.changed?.("saved");
  }

  /** What is not stored yet, in its order. */
  get pending() {
    return [...(this.underWay?.operations ?? []), ...this.waiting.map((entry) => entry.operation)];
  }

  /** The draft was loaded again, at `revision`: what waits still waits, made on what was seen before. Returns those operations. */
  rebase(revision) {
    this.moved(revision);
    if (this.underWay) this.schedule(0);
    return this.pending;
  }

  /** Sends everything at once, without waiting for an answer: the page is left. What arrives twice is applied once. */
  drain() {
    this.clock.clearTimeout(this.timer);
    const operations = this.pending;
    this.waiting = [];
    if (operations.length) this.send({ batch: this.batch + 1, base_revision: this.revision, operations });
  }

  /** Somebody else's change made a new revision. What is not stored yet was made on the one before, and the backend has to know. */
  moved(revision) {
    this.seen = Math.max(this.seen, revision);
    if (this.idle) this.revision = Math.max(this.revision, revision);
  }

  /** What waits was made on an older revision than this page has seen: it is sent on that, by itself. */
  date(revision) {
    this.revision = Math.min(this.revision, revision);
    for (const entry of this.waiting) entry.seen = Math.min(entry.seen, revision);
    this.hurry();
  }

  /** Gives up the batch under way: the backend refused it for good. */
  drop() {
    this.clock.clearTimeout(this.timer);
    this.settle(false);
    this.underWay = null;
    this.attempt = 0;
    if (this.waiting.length) this.schedule(0);
    else this.changed("saved");
  }

  get idle() {
    return !this.underWay && !this.waiting.length;
  }

  /** Queues operations. Where `merge` is set and the last waiting one has the same mark, it is replaced by what `join` makes of both. */
  push(operations, merge = null, join = null) {
    if (!operations.length) return;
    const last = this.waiting.at(-1);
    if (merge && last?.merge === merge) last.operation = join(last.operation, operations[0]);
    else this.waiting.push(...operations.map((operation) => ({ merge, seen: this.seen, operation: { id: newId(), ...operation } })));
    if (!this.underWay) this.schedule(merge ? TYPING_MS : 0);
    if (this.attempt === 0) this.changed("saving");
  }

  schedule(delay) {
    this.clock.clearTimeout(this.timer);
    this.timer = this.clock.setTimeout(() => this.deliver(), delay);
  }

  deliver() {
    if (!this.underWay) {
      if (!this.waiting.length) return;
      this.batch += 1;
      this.underWay = { batch: this.batch, operations: this.waiting.splice(0, this.fitting()).map((entry) => entry.operation) };
    }
    this.send({ batch: this.underWay.batch, base_revision: this.revision, operations: this.underWay.operations });
    this.clock.clearTimeout(this.timer);
    this.timer = this.clock.setTimeout(() => this.failed(), ANSWER_MS);
  }

  /** How many of those that wait go into the next batch. */
  fitting() {
    let [count, size] = [0, 0];
    while (count < Math.min(MOST, this.waiting.length)) {
      size += JSON.stringify(this.waiting[count].operation).length;
      if (count && size > MOST_CHARACTERS) break;
      count += 1;
    }
    return count;
  }

  /** The batch didn't arrive: it is sent again, later each time. */
  failed() {
    if (!this.underWay) return;
    this.changed("retrying");
    this.schedule(RETRY_MS[Math.min(this.attempt, RETRY_MS.length - 1)]);
    this.attempt += 1;
  }

  /** The connection is back: what is under way is sent again at once. */
  again() {
    if (this.underWay) this.schedule(0);
  }

  /** An answer `{batch, revision, passed, error?, conflicts?}`. Returns whether it was the one waited for. `refused` then holds the
   * operations that somebody else's change forbids, with those that wait and are about the same: they would win without having been
   * asked about. `fresh` is what of `passed` has not been seen; null: that isn't known, so that the draft has to be loaded again. */
  answer({ batch, revision, passed = [], error, conflicts = [] }) {
    if (!this.underWay || batch !== this.underWay.batch) return false;
    if (error) {
      this.failed();
      return false;
    }
    this.clock.clearTimeout(this.timer);
    const ids = new Set(conflicts.map((conflict) => conflict.id));
    const [stored, refused] = [false, true].map((is) => this.underWay.operations.filter(({ id }) => ids.has(id) === is));
    this.fresh = this.unseen(passed, stored);
    const unasked = ({ seen, operation }) => this.fresh && passed.some((other) => other.revision > seen && reaches(other.touched, operation));
    const lost = (entry) => unasked(entry) || refused.some((one) => touching(one, entry.operation));
    this.refused = [...refused, ...this.waiting.filter(lost).map((entry) => entry.operation)];
    this.waiting = this.waiting.filter((entry) => !lost(entry));
    if (this.fresh) {
      this.revision = revision; // not where something was missed: what waits is compared with that, then
      this.seen = Math.max(this.seen, revision);
    }
    this.underWay = null;
    this.attempt = 0;
    if (this.refused.length) this.settle(false);
    if (this.waiting.length) this.schedule(0);
    else {
      this.changed("saved");
      this.settle(true);
    }
    return true;
  }

  /** What came in between and has not been seen; null where that isn't known, or where it stands over what was `stored` before it. */
  unseen(passed, stored) {
    const fresh = passed?.filter((other) => other.revision > this.seen && !isOfSettings(other));
    const over = passed?.some((other) => other.revision <= this.seen && stored.some((own) => reaches(other.touched, own)));
    return fresh?.every((other) => other.operations.length) && !over ? fresh : null;
  }

  /** Sends what waits for more typing, now: the page may be about to go. */
  hurry() {
    if (!this.underWay) this.deliver();
  }

  /** Tells those who wait whether everything is stored. */
  settle(whole) {
    this.settled.splice(0).forEach((resolve) => resolve(whole));
  }

  /** Resolves when everything queued so far is stored, to true; to false where some of it is not going to be. */
  flush() {
    if (this.idle) return Promise.resolve(true);
    if (!this.underWay) this.schedule(0);
    return new Promise((resolve) => this.settled.push(resolve));
  }
}
