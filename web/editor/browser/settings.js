// Autosave of what holds for the workflow as a whole. What is typed waits here for a moment, is sent as the fields that changed, one call
// at a time, and stands over whatever the backend says of the settings until it has answered that very call.

const TYPING_MS = 600;
const ANSWER_MS = 12_000; // no answer for so long: it is sent again, which changes nothing where it did arrive

const memory = (id) => `trestle.unset.${id}`;
let fresh = true; // only what the page before this one left counts

export class Settings {
  /** `send({workflow_id, number, change})` hands some fields over; `changed()` hears that it is busy, or no longer. */
  constructor({ send, changed, clock = globalThis }) {
    Object.assign(this, { send, changed, clock, id: null, waiting: {}, underWay: null, settled: [], number: Date.now(), revision: 0 });
  }

  get idle() {
    return !this.underWay && !Object.keys(this.waiting).length;
  }

  /** The fields that are not stored yet. */
  get pending() {
    return { ...this.underWay?.change, ...this.waiting };
  }

  /** Another workflow, or the same one again, is shown: what was typed for one before is sent at once. */
  about(id) {
    if (id === this.id) return;
    this.drain();
    this.id = id;
  }

  /** The settings as they are to be shown, of those that the backend told of. */
  over(settings) {
    return this.idle ? settings : { ...settings, ...this.pending };
  }

  /** Whether what the backend told of the settings at a revision of the draft is news: answers may overtake one another. */
  isNews(revision) {
    if (revision < this.revision) return false;
    this.revision = revision;
    return true;
  }

  push(change) {
    this.waiting = { ...this.waiting, ...change };
    if (!this.underWay) this.schedule(TYPING_MS);
    this.changed();
  }

  schedule(delay) {
    this.clock.clearTimeout(this.timer);
    this.timer = this.clock.setTimeout(() => this.deliver(), delay);
  }

  deliver() {
    if (this.idle) return;
    if (!this.underWay) {
      this.number += 1;
      this.underWay = { number: this.number, change: this.waiting };
      this.waiting = {};
    }
    this.send({ workflow_id: this.id, ...this.underWay });
    this.schedule(ANSWER_MS);
  }

  /** The backend has answered the call of this number, whatever it said. */
  answer(number) {
    if (!number || number !== this.underWay?.number) return;
    this.clock.clearTimeout(this.timer);
    this.underWay = null;
    if (!this.idle) this.schedule(this.settled.length ? 0 : TYPING_MS);
    else this.settled.splice(0).forEach((resolve) => resolve());
    this.changed();
  }

  /** Sends what waits for more typing, now. */
  hurry() {
    if (!this.underWay) this.deliver();
  }

  /** Sends everything at once, without waiting for an answer: the page is left. */
  drain() {
    this.clock.clearTimeout(this.timer);
    if (!this.idle) this.send({ workflow_id: this.id, number: this.number + 1, change: this.pending });
    this.waiting = {};
    this.underWay = null;
  }

  /** Resolves when everything typed so far is answered. */
  flush() {
    if (this.idle) return Promise.resolve();
    this.hurry();
    return new Promise((resolve) => this.settled.push(resolve));
  }

  /** Has the tab keep what is not stored yet: the page may be about to be loaded anew. */
  keep() {
    if (this.idle) sessionStorage.removeItem(memory(this.id));
    else sessionStorage.setItem(memory(this.id), JSON.stringify(this.pending));
  }

  /** What the page before left of this workflow is sent again. */
  take() {
    const kept = fresh ? sessionStorage.getItem(memory(this.id)) : null;
    fresh = false;
    sessionStorage.removeItem(memory(this.id));
    if (kept) this.push(JSON.parse(kept));
  }
}
