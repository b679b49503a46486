// Which run the cards show.

import assert from "node:assert/strict";
import test from "node:test";
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
