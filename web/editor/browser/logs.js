// What is here of what nodes wrote to their logs, in the parts in which it came. Pure.

/** Where new lines are to be looked for while the node runs: `{newest, after}`, its last part once more. Null where somebody reads on
 * elsewhere in it, or an answer is on its way. */
export function following(held) {
  if (!held || held.asked || (held.newest ? held.pages.length > 1 : held.next)) return null;
  return { newest: held.newest, after: held.after };
}

/** A log with an answer `{execution_id, node, newest, after, again, lines, next}` in it: `again` brings its last part once more, `after` goes
 * on where that ended; else it begins anew. Null where the answer doesn't follow on what is there. */
export function heard(held, { execution_id, node, newest, after, again, lines, next }) {
  const last = again ? following(held) : null;
  const follows = again ? last?.newest === newest && last.after === after : !after || (held?.next === after && held.newest === newest);
  if (!follows) return null;
  const before = again ? held.pages.slice(0, -1) : after ? held.pages : [];
  return { execution_id, node, newest, after, pages: [...before, lines], next, asked: false };
}
