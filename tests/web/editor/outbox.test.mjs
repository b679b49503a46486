// Autosave and undo, by node's own test runner (test_browser_classes.py runs it): a clock that is set by hand, no network.

import assert from "node:assert/strict";
import test from "node:test";
import { History } from "../../../web/editor/browser/history.js";
import { unchangedSince } from "../../../web/editor/browser/turning.js";
import { touching } from "../../../web/editor/browser/mending.js";
import { Outbox } from "../../../web/editor/browser/outbox.js";

function setting() {
  const sent = [];
  const states = [];
  const clock = { now: 0, timers: new Map(), next: 1 };
  clock.setTimeout = (call, delay) => {
    clock.timers.set(clock.next, { call, at: clock.now + delay });
    return clock.next++;
  };
  clock.clearTimeout = (id) => clock.timers.delete(id);
  clock.pass = (ms) => {
    const end = clock.now + ms;
    for (;;) {
      const due = [...clock.timers].filter(([, timer]) => timer.at <= end).sort(([, a], [, b]) => a.at - b.at)[0];
      if (!due) break;
      clock.timers.delete(due[0]);
      clock.now = due[1].at;
      due[1].call();
    }
    clock.now = end;
  };
  const outbox = new Outbox({ send: (batch) => sent.push(structuredClone(batch)), changed: (state) => states.push(state), clock });
  outbox.reset(7);
  return { outbox, sent, states, clock };
}

const typed = (value) => ({ op: "configure_node", key: "a", fields: { config: { url: value } } });
const later = (before, after) => ({ ...before, fields: after.fields });

test("an edit leaves at once, with an id and the revision it was made on", () => {
  const { outbox, sent, states, clock } = setting();
  outbox.push([{ op: "connect", source: "a", target: "b" }]);
  clock.pass(0);
  assert.equal(sent.length, 1);
  assert.equal(sent[0].base_revision, 7);
  assert.match(sent[0].operations[0].id, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.equal(states.at(-1), "saving");
  assert.ok(outbox.answer({ batch: sent[0].batch, revision: 8 }));
  assert.equal(states.at(-1), "saved");
  assert.ok(outbox.idle);
});

test("typing is gathered into one operation", () => {
  const { outbox, sent, clock } = setting();
  for (const text of ["h", "ht", "htt"]) {
    outbox.push([typed(text)], "a/config/url", later);
    clock.pass(100);
  }
  assert.equal(sent.length, 0);
  clock.pass(400);
  assert.equal(sent.length, 1);
  assert.deepEqual(sent[0].operations.map((operation) => operation.fields.config.url), ["htt"]);
});

test("one batch is under way at a time, and the next is made on its revision", () => {
  const { outbox, sent, clock } = setting();
  outbox.push([{ op: "one" }]);
  clock.pass(0);
  outbox.push([{ op: "two" }]);
  outbox.push([{ op: "three" }]);
  clock.pass(50);
  assert.equal(sent.length, 1);
  outbox.answer({ batch: sent[0].batch, revision: 8 });
  clock.pass(0);
  assert.deepEqual(sent[1].operations.map((operation) => operation.op), ["two", "three"]);
  assert.equal(sent[1].base_revision, 8);
});

test("without an answer, the very same batch is sent again until there is one", () => {
  const { outbox, sent, states, clock } = setting();
  outbox.push([{ op: "one" }]);
  clock.pass(0);
  clock.pass(13_000);
  assert.equal(states.at(-1), "retrying");
  clock.pass(20_000);
  assert.ok(sent.length >= 2);
  assert.deepEqual(sent[1], sent[0]);
  outbox.push([{ op: "two" }]);
  assert.equal(states.at(-1), "retrying", "an edit meanwhile doesn't claim to be saving");
  outbox.answer({ batch: sent[0].batch, revision: 8 });
  clock.pass(0);
  assert.equal(sent.at(-1).operations[0].op, "two");
  assert.equal(outbox.answer({ batch: sent[0].batch, revision: 8 }), false, "a late second answer changes nothing");
});

test("told that the connection is gone, it says so; told that it is back, it sends at once", () => {
  const { outbox, sent, states, clock } = setting();
  outbox.failed();
  outbox.again();
  assert.equal(sent.length, 0, "there was nothing to send");
  outbox.push([{ op: "one" }]);
  clock.pass(0);
  outbox.failed();
  assert.equal(states.at(-1), "retrying");
  outbox.again();
  clock.pass(0);
  assert.deepEqual(sent[1], sent[0]);
});

test("an error is waited out, longer each time", () => {
  const { outbox, sent, clock } = setting();
  outbox.push([{ op: "one" }]);
  clock.pass(0);
  for (const wait of [1000, 2000, 4000]) {
    const before = sent.length;
    outbox.answer({ batch: sent.at(-1).batch, error: "down" });
    clock.pass(wait - 1);
    assert.equal(sent.length, before);
    clock.pass(1);
    assert.equal(sent.length, before + 1);
  }
});

test("what waits is kept when the draft is loaded again, and dropped when it is refused", () => {
  const { outbox, sent, states, clock } = setting();
  outbox.push([{ op: "one" }]);
  clock.pass(0);
  outbox.push([{ op: "two" }]);
  assert.deepEqual(outbox.rebase(20).map((operation) => operation.op), ["one", "two"]);
  clock.pass(0);
  assert.equal(sent.at(-1).base_revision, 7, "made on what was seen before: the backend tells what changed meanwhile");
  outbox.drop();
  clock.pass(0);
  assert.equal(sent.at(-1).operations[0].op, "two");
  outbox.drop();
  assert.equal(states.at(-1), "saved");
});

test("what waits and is about the same as what was refused is not sent: it would win unasked", () => {
  const { outbox, sent, clock } = setting();
  outbox.push([typed("mine")]);
  clock.pass(0);
  outbox.push([typed("mine, longer")]);
  outbox.push([{ op: "connect", source: "b", target: "c" }]);
  outbox.answer({ batch: sent[0].batch, revision: 9, conflicts: [{ id: sent[0].operations[0].id }] });
  assert.deepEqual(outbox.refused.map((operation) => operation.fields.config.url), ["mine", "mine, longer"]);
  clock.pass(0);
  assert.deepEqual(sent[1].operations.map((operation) => operation.op), ["connect"]);
  outbox.answer({ batch: sent[1].batch, revision: 10 });
  assert.deepEqual(outbox.refused, []);
});

const passed = (revision, ...touched) => ({ revision, operations: [{ op: "theirs" }], touched });

test("what waits about something that came in between unseen is not sent on the answer's revision: it would win unasked", () => {
  const { outbox, sent, clock } = setting();
  outbox.push([{ op: "connect", source: "b", target: "c" }]);
  clock.pass(0);
  outbox.push([typed("mine"), { op: "add_node", node: { key: "d" } }]);
  outbox.answer({ batch: sent[0].batch, revision: 9, passed: [passed(8, "a/config.url")] });
  assert.deepEqual(outbox.refused.map((operation) => operation.op), ["configure_node"]);
  assert.deepEqual(outbox.fresh.map((one) => one.revision), [8]);
  clock.pass(0);
  assert.deepEqual([sent[1].base_revision, ...sent[1].operations.map((operation) => operation.op)], [9, "add_node"]);
  outbox.moved(10);
  outbox.push([typed("over what is seen")]);
  outbox.answer({ batch: sent[1].batch, revision: 11, passed: [passed(10, "a/config.url")] });
  assert.deepEqual([outbox.refused, outbox.fresh], [[], []]);
});

test("what a page left is sent on its own base, in each of its batches", () => {
  const { outbox, sent, clock } = setting();
  const link = { op: "connect", source: "b", target: "c" };
  outbox.push([...Array(500).fill(link), typed("mine")]);
  outbox.date(5);
  outbox.push([link]);
  assert.equal(sent[0].base_revision, 5);
  outbox.answer({ batch: sent[0].batch, revision: 8, passed: [passed(6, "a/config.url")] });
  assert.deepEqual(outbox.refused.map((operation) => operation.op), ["configure_node"]);
  clock.pass(0);
  assert.deepEqual([sent[1].base_revision, sent[1].operations.map((operation) => operation.op)], [8, ["connect"]]);
});

test("the base passes nothing that can't be shown", () => {
  for (const missed of [null, [{ ...passed(8, "a/name"), operations: [] }]]) {
    const { outbox, sent, clock } = setting();
    outbox.push([{ op: "one" }]);
    clock.pass(0);
    outbox.push([typed("mine")]);
    outbox.answer({ batch: sent[0].batch, revision: 9, passed: missed });
    assert.equal(outbox.fresh, null);
    clock.pass(0);
    assert.equal(sent[1].base_revision, 7, "the backend tells what it is in conflict with");
  }
  const { outbox, sent, clock } = setting();
  outbox.push([typed("mine")]);
  clock.pass(0);
  outbox.moved(9);
  outbox.answer({ batch: sent[0].batch, revision: 9, passed: [passed(9, "a/config.url")] });
  assert.equal(outbox.fresh, null, "an answer that was lost: what was heard since stands over what was stored before");
});

test("a page that is left sends all it has, under way or waiting", () => {
  const { outbox, sent, clock } = setting();
  outbox.drain();
  assert.equal(sent.length, 0);
  outbox.push([{ op: "one" }]);
  clock.pass(0);
  outbox.push([typed("x")], "a/config/url", later);
  outbox.drain();
  assert.deepEqual(sent.at(-1).operations.map((operation) => operation.op), ["one", "configure_node"]);
  assert.equal(sent.at(-1).operations[0].id, sent[0].operations[0].id);
});

test("settings that were changed meanwhile leave the graph as it is; what came by no operation does not", () => {
  for (const [touched, fresh] of [[["@settings"], []], [["settings"], null], [["@settings", "b/name"], null], [[], null]]) {
    const { outbox, sent, clock } = setting();
    outbox.push([typed("x")]);
    clock.pass(0);
    outbox.answer({ batch: sent[0].batch, revision: 9, passed: [{ revision: 8, operations: [], touched }] });
    assert.deepEqual(outbox.fresh, fresh, touched.join());
    assert.equal(outbox.revision, fresh ? 9 : 7);
  }
});

test("flush waits for everything typed so far", async () => {
  const { outbox, sent, clock } = setting();
  let done = false;
  outbox.push([typed("x")], "a/config/url", later);
  const flushed = outbox.flush().then(() => (done = true));
  clock.pass(0);
  assert.equal(sent.length, 1, "a flush doesn't wait for a pause in typing");
  assert.equal(done, false);
  outbox.answer({ batch: sent[0].batch, revision: 8 });
  assert.equal(await flushed.then(() => done), true);
  assert.equal(await outbox.flush(), true);
});

test("who waits for all to be stored is told where some of it is not going to be", async () => {
  for (const given of ["drop", "reset", "conflict"]) {
    const { outbox, sent, clock } = setting();
    outbox.push([{ op: "one" }]);
    clock.pass(0);
    const flushed = outbox.flush();
    if (given === "drop") outbox.drop();
    else if (given === "reset") outbox.reset(9);
    else outbox.answer({ batch: sent[0].batch, revision: 9, conflicts: [{ id: sent[0].operations[0].id }] });
    assert.equal(await flushed, false, given);
    assert.equal(await outbox.flush(), true);
  }
});

test("undo and redo walk through the history; typing in one field is one step", () => {
  let now = 0;
  const history = new History(() => now);
  history.note(["add"], ["remove"]);
  history.note(["type h"], ["clear"], "a/url");
  now += 200;
  history.note(["type ht"], ["type h"], "a/url");
  now += 5000;
  history.note(["type htt"], ["type ht"], "a/url");
  assert.deepEqual(history.undo(), ["type ht"]);
  assert.deepEqual(history.undo(), ["type h", "clear"]);
  assert.deepEqual(history.redo(), ["type h", "type ht"]);
  assert.deepEqual(history.undo(), ["type h", "clear"]);
  assert.deepEqual(history.undo(), ["remove"]);
  assert.equal(history.undo(), null);
  history.redo();
  history.note(["other"], ["not other"]);
  assert.equal(history.redo(), null, "a new edit ends what could be done again");
});

test("settings that a step has changed go with it, but for those that were set since", () => {
  const history = new History();
  history.note([], [], null, { before: { timeout_s: 60, keep_days: 5 }, after: { timeout_s: 3600, keep_days: 30 } });
  history.note(["one"], ["not one"]);
  history.undo();
  assert.equal(history.settings, null);
  assert.deepEqual(history.undo(), []);
  const { from, to } = history.settings;
  assert.deepEqual(unchangedSince(from, to, { timeout_s: 3600, keep_days: 7, timezone: "UTC" }), { timeout_s: 60 });
  history.redo();
  assert.deepEqual(history.settings, { from: to, to: from });
});

test("what somebody else has changed since can't be undone over it", () => {
  const history = new History();
  history.note(["one"], ["not one"]);
  history.note(["two"], ["not two"]);
  history.spoil((operation) => operation === "two");
  assert.deepEqual(history.undo(), []);
  assert.equal(history.redo(), null);
  assert.deepEqual(history.undo(), ["not one"]);
});

test("a connection that somebody else leads to a node spoils taking the node back", () => {
  const history = new History();
  history.note([{ op: "add_node", node: { key: "n" } }], [{ op: "remove_nodes", keys: ["n"] }]);
  history.note([{ op: "add_node", node: { key: "other" } }], [{ op: "remove_nodes", keys: ["other"] }]);
  history.spoil((own) => touching(own, { op: "connect", source: "n", source_port: "main", target: "m" }));
  assert.equal(history.undo().length, 1);
  assert.deepEqual(history.undo(), []);
  const about = (one, other) => touching(one, { op: "connect", ...other });
  assert.ok(about({ op: "remove_nodes", keys: ["m"] }, { source: "n", target: "m" }));
  assert.ok(!about({ op: "remove_nodes", keys: ["main"] }, { source: "n", target: "m" }));
  assert.ok(!about({ op: "configure_node", key: "n", fields: { name: "N" } }, { source: "n", target: "m" }));
});

test("where a rename stays, what was done before under the old key stays too", () => {
  const history = new History();
  history.note([typed("x")], [typed("")]);
  history.note([{ op: "configure_node", key: "c", fields: { name: "C" } }], ["back"]);
  history.note([{ op: "connect", source: "a", target: "c" }], ["back"]);
  history.note([{ op: "rename_node", key: "a", new_key: "b" }], [{ op: "rename_node", key: "b", new_key: "a" }]);
  history.spoil((own) => touching(own, { op: "configure_node", key: "b", fields: { name: "Theirs" } }));
  assert.deepEqual([1, 2, 3, 4].map(() => history.undo().length), [0, 0, 1, 0]);
});

test("what was pasted goes in several batches, in its order, each small enough to be answered soon", () => {
  const { outbox, sent, clock } = setting();
  const big = (key) => ({ op: "add_node", node: { key, config: { text: "x".repeat(100_000) } } });
  outbox.push([..."abcdef"].map(big));
  const arrived = [];
  for (let turn = 0; turn < 10 && !outbox.idle; turn += 1) {
    clock.pass(0);
    const { batch, operations } = sent.at(-1);
    assert.ok(JSON.stringify(operations).length < 250_000 + 500);
    arrived.push(...operations.map((operation) => operation.node.key));
    outbox.answer({ batch, revision: 8 + turn });
  }
  assert.equal(arrived.join(""), "abcdef");
  outbox.push([{ ...big("huge"), more: "x".repeat(1_000_000) }]);
  clock.pass(0);
  assert.equal(sent.at(-1).operations.length, 1, "one that is larger by itself goes alone");
});
