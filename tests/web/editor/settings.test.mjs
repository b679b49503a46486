// The workflow's settings on their way to the backend: a clock that is set by hand, no network.

import assert from "node:assert/strict";
import test from "node:test";
import { Settings } from "../../../web/editor/browser/settings.js";

function setting() {
  const sent = [];
  const clock = { due: null, setTimeout: (call) => { clock.due = call; }, clearTimeout: () => { clock.due = null; } };
  clock.ring = () => { const call = clock.due; clock.due = null; call?.(); };
  const settings = new Settings({ send: (some) => sent.push(structuredClone(some)), changed: () => undefined, clock });
  settings.about("w");
  return { settings, sent, clock };
}

test("what is typed during a call stands over its answer, and is sent after it", () => {
  const { settings, sent, clock } = setting();
  assert.deepEqual([3, 3, 2, 4].map((revision) => settings.isNews(revision)), [true, true, false, true], "what is older says nothing");
  settings.push({ keep_days: 5 });
  clock.ring();
  settings.push({ timeout_s: 60 });
  assert.equal(sent.length, 1, "one call at a time");
  assert.deepEqual(settings.over({ keep_days: null, timeout_s: 3600 }), { keep_days: 5, timeout_s: 60 });
  settings.answer(sent[0].number);
  assert.deepEqual(settings.over({ keep_days: 5, timeout_s: 3600 }), { keep_days: 5, timeout_s: 60 });
  clock.ring();
  assert.deepEqual(sent.map(({ workflow_id: id, change }) => [id, change]), [["w", { keep_days: 5 }], ["w", { timeout_s: 60 }]]);
  settings.answer(sent[0].number);
  assert.ok(!settings.idle, "an answer is to its own call");
  settings.answer(sent[1].number);
  assert.ok(settings.idle);
  assert.deepEqual(settings.over({ keep_days: 9 }), { keep_days: 9 }, "and then others may set it");
});

test("what is not answered is sent again; what waits is sent when the page is left", async () => {
  const { settings, sent, clock } = setting();
  settings.push({ keep_days: 5 });
  clock.ring();
  clock.ring();
  assert.deepEqual(sent[1], sent[0]);
  settings.push({ timezone: "UTC" });
  settings.about("other");
  assert.deepEqual([sent[2].workflow_id, sent[2].change], ["w", { keep_days: 5, timezone: "UTC" }]);
  assert.ok(settings.idle);
  assert.deepEqual(settings.over({ timezone: "Asia/Tokyo" }), { timezone: "Asia/Tokyo" });
  settings.push({ keep_days: 1 });
  const stored = settings.flush();
  settings.push({ keep_days: 2 });
  settings.answer(sent[3].number);
  clock.ring();
  settings.answer(sent[4].number);
  await stored;
  assert.deepEqual([sent[4].workflow_id, sent[4].change], ["other", { keep_days: 2 }]);
});
