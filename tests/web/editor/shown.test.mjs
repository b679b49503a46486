// Which run the cards show, and how what its nodes write is followed.

import assert from "node:assert/strict";
import test from "node:test";
import { following, heard } from "../../../web/editor/browser/logs.js";
import { StatusStore } from "../../../web/editor/browser/status_store.js";

const news = (seq, id, reset, status) => ({ events: [{ seq, reset, run: reset ? { execution_id: id, status } : {}, nodes: { a: { status } } }] });

test("a run that was cleared stays away until another one is shown", () => {
  const statuses = new StatusStore();
  statuses.receive(news(1, "first", true, "succeeded"));
  assert.equal(statuses.get("a").status, "succeeded");
  statuses.dismiss("first");
  assert.deepEqual([statuses.run, statuses.get("a")], [null, undefined]);
  statuses.receive(news(2, "first", false, "failed"));
  statuses.receive(news(3, "first", true, "failed")); // heard of anew: the page came back to it
  assert.deepEqual([statuses.run, statuses.get("a")], [null, undefined]);
  statuses.receive(news(4, "second", true, "running"));
  assert.deepEqual([statuses.run.execution_id, statuses.get("a").status], ["second", "running"]);
  statuses.receive(news(5, "second", false, "succeeded"));
  assert.equal(statuses.get("a").status, "succeeded");
});

test("new lines of a log come by themselves, unless somebody reads on elsewhere in it", () => {
  const answer = (lines, more = {}) => ({ execution_id: "e", node: "n", newest: false, after: null, lines, next: null, ...more });
  const again = (lines, more = {}) => answer(lines, { again: true, ...more });
  assert.equal(heard(undefined, again(["a"])), null, "nobody has asked for it");
  let log = heard(undefined, answer(["a"]));
  assert.deepEqual(following(log), { newest: false, after: null });
  log = heard(log, again(["a", "b"], { next: "c1" }));
  assert.deepEqual([log.pages, following(log)], [[["a", "b"]], null], "what is longer waits for a press");
  assert.equal(heard(log, again(["a", "b"])), null, "too late");
  log = heard(log, answer(["c"], { after: "c1" }));
  assert.deepEqual(following(log), { newest: false, after: "c1" });
  log = heard(log, again(["c", "d"], { after: "c1" }));
  assert.deepEqual(log.pages, [["a", "b"], ["c", "d"]]);
  assert.equal(heard({ ...log, asked: true }, again(["c"], { after: "c1" })), null, "what a person asked for is answered first");
  log = heard(log, answer(["d", "c"], { newest: true, next: "n1" }));
  assert.deepEqual(following(log), { newest: true, after: null });
  log = heard(log, again(["e", "d"], { newest: true, next: "n2" }));
  assert.deepEqual(log.pages, [["e", "d"]]);
  log = heard(log, answer(["c"], { newest: true, after: "n2" }));
  assert.deepEqual([log.pages.length, following(log)], [2, null]);
});
