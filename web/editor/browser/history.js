// Undo and redo as pairs of operation lists: what was done, and what takes it back. Typing in one field is one entry. What changed the
// workflow's settings too has `settings`: `{before, after}`, of those that it changed.

import { touching } from "./mending.js";

const LIMIT = 200;
const PAUSE_MS = 1500;
const NAMING = new Set(["add_node", "rename_node", "remove_nodes"]); // before it, a key may have meant another node, or none

export class History {
  constructor(now = () => Date.now()) {
    this.now = now;
    this.clear();
  }

  clear() {
    this.past = [];
    this.future = [];
    this.spoiled = [];
    this.settings = null;
  }

  /** Notes an edit. With the same `merge` mark as the last one shortly before, the two become one entry. */
  note(done, undone, merge = null, settings = null) {
    const last = this.past.at(-1);
    const at = this.now();
    this.future = [];
    if (merge && last?.merge === merge && !last.spoiled && at - last.at < PAUSE_MS) {
      this.past[this.past.length - 1] = { ...last, done: [...last.done, ...done], undone: [...undone, ...last.undone], at };
      return;
    }
    this.past.push({ done, undone, merge, settings, at });
    if (this.past.length > LIMIT) this.past.shift();
  }

  /** The edits with an operation for which `test` holds can't be taken back, nor done again: somebody else has been there since. Nor can
   * those that come after them on that way and name a node that was to get its key by them. */
  spoil(test) {
    for (const way of [this.past, this.future]) {
      const left = [];
      for (const entry of way.toReversed()) {
        const why = entry.done.filter((one) => test(one) || left.some((other) => touching(one, other)));
        if (why.length) entry.spoiled = [...(entry.spoiled ?? []), ...why];
        if (entry.spoiled) left.push(...entry.done.filter(({ op }) => NAMING.has(op)));
      }
    }
  }

  /** The operations that take the last edit back: none where it is spoiled; `spoiled` then holds those of it that are. Null where there is
   * no edit. `settings` holds the workflow's settings that go with it: `{from, to}`, or null. */
  undo() {
    const entry = this.past.pop();
    this.recall(entry, "after", "before");
    if (entry && !entry.spoiled) this.future.push(entry);
    return entry?.spoiled ? [] : entry?.undone ?? null;
  }

  /** The operations that do it again, none where that is spoiled, or null. */
  redo() {
    const entry = this.future.pop();
    this.recall(entry, "before", "after");
    if (entry && !entry.spoiled) this.past.push({ ...entry, merge: null });
    return entry?.spoiled ? [] : entry?.done ?? null;
  }

  recall(entry, from, to) {
    this.spoiled = entry?.spoiled ?? [];
    this.settings = entry?.settings && !entry.spoiled ? { from: entry.settings[from], to: entry.settings[to] } : null;
  }
}
