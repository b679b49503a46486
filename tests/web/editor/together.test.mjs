// Two people in one draft, in every order that messages may take: what both see in the end is what is stored.

import assert from "node:assert/strict";
import test from "node:test";
import { Drawing } from "../../../web/editor/browser/drawing.js";
import { applyAll } from "../../../web/editor/browser/graph.js";
import { touching } from "../../../web/editor/browser/mending.js";

const paths = (operations) => operations.map(({ key }) => `${key}/config.url`);

const GRAPH = { nodes: ["a", "b"].map((key) => ({ key, type: "set", name: key, config: { url: "" }, position: { x: 0, y: 0 } })), connections: [] };

/** Numbers between 0 and 1 that are the same for the same seed. */
function random(seed) {
  let state = seed;
  return () => {
    state = (state * 1664525 + 1013904223) % 4294967296;
    return state / 4294967296;
  };
}

/** What the backend does with operations (backend/workflows/operations.py), as far as this test needs it. */
class Backend {
  log = [];
  known = new Set();

  get graph() {
    return applyAll(GRAPH, this.log.flatMap((entry) => entry.operations));
  }

  take({ base_revision: base, operations }) {
    const fresh = operations.filter((operation) => !this.known.has(operation.id));
    const since = this.log.slice(base).flatMap((entry) => entry.operations);
    const conflicts = fresh.filter((operation) => since.some((other) => touching(operation, other))).map(({ id }) => ({ id, reason: "changed" }));
    const lost = new Set(conflicts.map(({ id }) => id));
    const done = fresh.filter(({ id }) => !lost.has(id));
    done.forEach(({ id }) => this.known.add(id));
    if (done.length) this.log.push({ operations: done });
    const passed = this.log.slice(base).map((entry, place) => ({ revision: base + place + 1, operations: entry.operations.filter(({ id }) => !operations.some((own) => own.id === id)) }));
    const others = passed.filter((entry) => entry.operations.length).map((entry) => ({ ...entry, touched: paths(entry.operations) }));
    return { revision: this.log.length, conflicts, passed: others, told: done.length ? { revision: this.log.length, operations: done } : null };
  }
}

/** A person: what leaves for the backend and what comes back are queues, emptied when the test likes. */
class Person {
  constructor(name) {
    Object.assign(this, { name, out: [], answers: [], stream: [], refused: [], sights: new Map() });
    this.drawing = new Drawing({ operations: (batch) => this.out.push(structuredClone(batch)) });
    this.drawing.load({ mode: "edit", id: "w", revision: 0, ...structuredClone(GRAPH) });
  }

  /** Types over what is seen there: one's own, or the other's. Where there is a question to be answered, the dialog is in the way. */
  type(key, text) {
    if (this.refused.some((operation) => operation.key === key)) return;
    if (!this.sights.has(text)) this.sights.set(text, this.url(key));
    this.drawing.configure(key, "url", text);
  }

  url(key) {
    return this.drawing.state.graph.nodes.find((node) => node.key === key).config.url;
  }

  send(backend, others) {
    const batch = this.out.shift();
    if (!batch) return;
    const { told, ...answer } = backend.take(batch);
    this.answers.push({ batch: batch.batch, ...answer });
    if (told) others.forEach((other) => other.stream.push(told));
  }

  hearAnswer() {
    const answer = this.answers.shift();
    if (answer && this.drawing.answered(answer)) this.refused.push(...this.drawing.outbox.refused);
  }

  hearOther() {
    const told = this.stream.shift();
    if (told) this.drawing.hear(told);
  }

  get busy() {
    return this.out.length + this.answers.length + this.stream.length > 0 || !this.drawing.outbox.idle;
  }
}

/** Whoever wrote over the other had seen what stood there when the typing began. */
function unseen(backend, people, key, seed) {
  let stood = "";
  for (const { fields } of backend.log.flatMap((entry) => entry.operations).filter((operation) => operation.key === key)) {
    const { url } = fields.config;
    const writer = people.find(({ name }) => url.startsWith(name));
    let seen = writer.sights.get(url);
    while (seen.startsWith(writer.name) && seen !== stood) seen = writer.sights.get(seen);
    assert.equal(seen, stood, `seed ${seed}: “${url}” was written over what ${writer.name} had not seen`);
    stood = url;
  }
}

test("two people who type at once see what is stored, or are asked", (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  let asked = 0;
  for (let seed = 1; seed <= 400; seed += 1) {
    const dice = random(seed);
    const backend = new Backend();
    const people = ["ada", "grace"].map((name) => new Person(name));
    const steps = (person, other) => [
      () => person.type(dice() < 0.5 ? "a" : "b", `${person.name} ${Math.floor(dice() * 1e6)}`),
      () => person.send(backend, [other]),
      () => person.hearAnswer(),
      () => person.hearOther(),
      () => context.mock.timers.tick(200),
    ];
    const turn = (skip) => {
      const [person, other] = dice() < 0.5 ? people : [...people].reverse();
      const choices = steps(person, other).slice(skip);
      choices[Math.floor(dice() * choices.length)]();
    };
    for (let count = 0; count < 40; count += 1) turn(0);
    for (let count = 0; people.some((person) => person.busy) && count < 5000; count += 1) turn(1);
    assert.ok(!people.some((person) => person.busy), `seed ${seed}: it comes to rest`);
    for (const person of people) {
      asked += person.refused.length;
      for (const { key } of GRAPH.nodes) {
        if (person.refused.some((operation) => operation.key === key)) continue; // decides, and loads the draft
        const stored = backend.graph.nodes.find((node) => node.key === key).config.url;
        assert.equal(person.url(key), stored, `seed ${seed}: ${person.name} sees of ${key} what is stored`);
      }
    }
    for (const { key } of GRAPH.nodes) unseen(backend, people, key, seed);
  }
  assert.ok(asked > 0);
});

test("changes that come together are all taken in, each once", (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const ada = new Person("ada");
  const told = (revision, key) => ({ seq: 5, revision, operations: [{ id: `${revision}`, op: "configure_node", key, fields: { config: { url: `grace ${revision}` } } }] });
  for (const change of [told(1, "a"), told(2, "b"), told(1, "a")]) ada.drawing.hear(change);
  assert.deepEqual(["a", "b"].map((key) => ada.url(key)), ["grace 1", "grace 2"]);
  ada.drawing.load({ mode: "edit", id: "w", revision: 9, ...structuredClone(GRAPH) });
  ada.drawing.hear(told(9, "a"));
  assert.equal(ada.url("a"), "", "the draft as it was loaded has it already");
});

test("a draft that is loaded again keeps what can be undone, but for what is otherwise now", (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const { drawing } = new Person("ada");
  for (const key of ["a", "b"]) drawing.configure(key, "url", "mine");
  drawing.outbox.reset(2); // it is stored
  const [a, b] = GRAPH.nodes.map((node) => ({ ...node, disabled: false, join: "any", notes: "" }));
  const load = (url) => drawing.load({ mode: "edit", id: "w", revision: 3, elsewhere: { own: false }, nodes: [{ ...a, config: { url } }, { ...b, config: { url: "mine" } }], connections: [] });
  load("mine");
  assert.equal(drawing.state.notice, null, "nothing is otherwise");
  load("theirs");
  assert.match(drawing.state.notice.text, /^Somebody else has changed this workflow/);
  const urls = () => drawing.state.graph.nodes.map((node) => node.config.url);
  drawing.undo();
  assert.deepEqual(urls(), ["theirs", ""]);
  drawing.undo();
  assert.deepEqual([urls(), drawing.state.canUndo, drawing.state.canRedo], [["theirs", ""], false, true]);
  assert.match(drawing.state.notice.text, /other changes to/);
});

test("a node that was removed here comes back without its connection to one that is gone since", (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const { drawing } = new Person("ada");
  for (const source of ["a", "b"]) drawing.edit([{ op: "add_node", node: { ...GRAPH.nodes[0], key: `after_${source}` } }, { op: "connect", source, source_port: "main", target: `after_${source}` }]);
  drawing.remove(["after_a", "after_b"]);
  drawing.outbox.reset(3); // it is stored
  drawing.hear({ revision: 4, own: false, operations: [{ op: "rename_node", key: "a", new_key: "renamed" }] });
  drawing.undo();
  assert.deepEqual(drawing.state.graph.connections, [{ source: "b", source_port: "main", target: "after_b" }]);
  assert.deepEqual(drawing.outbox.pending.map(({ op }) => op), ["add_node", "add_node", "connect"], "nothing that would be refused");
  drawing.outbox.reset(4);
});

test("what is typed while a conflict is not decided belongs to that choice", (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const ada = new Person("ada");
  const mine = { id: "1", op: "configure_node", key: "a", fields: { config: { url: "mine" } } };
  ada.drawing.set({ conflict: { reason: "changed", operations: [mine], local: GRAPH } });
  ada.type("a", "mine, longer");
  ada.type("b", "another");
  assert.deepEqual(ada.drawing.outbox.pending.map(({ key }) => key), ["b"]);
  assert.deepEqual(ada.drawing.state.conflict.operations.map(({ fields }) => fields.config.url), ["mine", "mine, longer"]);
  ada.drawing.outbox.reset(0);
});

test("what a page left unsent is compared with what others did meanwhile", (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const typed = (id, key, url) => ({ id, op: "configure_node", key, fields: { config: { url } } });
  for (const stored of [false, true]) {
    const backend = new Backend();
    const mine = typed("mine", "a", "ada");
    if (stored) backend.take({ base_revision: 0, operations: [mine] });
    backend.take({ base_revision: stored ? 1 : 0, operations: [typed("theirs", "a", "grace")] });
    const ada = new Person("ada");
    let loads = 0;
    ada.drawing.emit.reload = () => (loads += 1);
    const load = () => ada.drawing.load({ mode: "edit", id: "w", revision: backend.log.length, ...backend.graph });
    ada.drawing.outbox.reset(0);
    ada.drawing.state.doc = null;
    load();
    ada.drawing.resume({ revision: 0, operations: [mine] });
    ada.send(backend, []);
    ada.hearAnswer();
    assert.deepEqual(ada.refused.map(({ id }) => id), stored ? [] : ["mine"], "not stored before: asked about");
    assert.equal(loads, stored ? 1 : 0);
    if (stored) load();
    if (stored) assert.equal(ada.url("a"), "grace", "stored before, and changed since: shown as it is");
    assert.equal(backend.graph.nodes[0].config.url, "grace");
  }
});
