// Undo and redo as pairs of operation lists: what was done, and what takes it back. Typing in one field is one entry.

const LIMIT = 200;
const PAUSE_MS = 1500;

export class History {
  constructor(now = () => Date.now()) {
    this.now = now;
    this.clear();
  }

  clear() {
    this.past = [];
    this.future = [];
  }

  /** Notes an edit. With the same `merge` mark as the last one shortly before, the two become one entry. */
  note(done, undone, merge = null) {
    const last = this.past.at(-1);
    const at = this.now();
    this.future = [];
    if (merge && last?.merge === merge && at - last.at < PAUSE_MS) {
      this.past[this.past.length - 1] = { ...last, done: [...last.done, ...done], undone: [...undone, ...last.undone], at };
      return;
    }
    this.past.push({ done, undone, merge, at });
    if (this.past.length > LIMIT) this.past.shift();
  }

  /** The operations that take the last edit back, or null. */
  undo() {
    const entry = this.past.pop();
    if (entry) this.future.push(entry);
    return entry?.undone ?? null;
  }

  /** The operations that do it again, or null. */
  redo() {
    const entry = this.future.pop();
    if (entry) this.past.push({ ...entry, merge: null });
    return entry?.done ?? null;
  }
}
