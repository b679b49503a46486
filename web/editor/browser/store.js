// What one open editor knows: the graph, what is chosen, what is saved. Lives in the browser, so that neither a drag nor a
// keystroke waits for the server; the server hears operations. React reads it through `useStore`.

import { createContext, useContext, useRef, useSyncExternalStore } from "react";
import * as graphs from "./graph.js";
import { History } from "./history.js";
import { again as redone } from "./mending.js";
import { Outbox } from "./outbox.js";
import { extended } from "./rows.js";

const PREVIEW_MS = 350;
const SETTLE_MS = 600;
const VALUES_KEPT = 12;
const NOTICE_MS = { info: 2500, success: 4000, warning: 6000, error: 12_000 };

export class Store {
  /** `emit` has one function per event for Python (EVENTS in editor.jsx). */
  constructor(emit) {
    this.emit = emit;
    this.listeners = new Set();
    this.history = new History();
    this.state = {
      doc: null, graph: graphs.EMPTY, catalogue: {}, selection: [], save: "saved", problems: [], notice: null,
      canUndo: false, canRedo: false, panel: null, focus: null, quick: null, sheet: null, steps: {}, values: {}, conflict: null, offered: null, comparison: null, data: null, previews: {}, marks: {},
    };
    this.wanted = new Set();
    this.chosenLinks = [];
    this.heard = 0;
    this.outbox = new Outbox({ send: (batch) => this.emit.operations({ workflow_id: this.state.doc.id, ...batch }), changed: (save) => this.set({ save }) });
  }

  subscribe = (listener) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  set(change) {
    this.state = { ...this.state, ...change };
    this.listeners.forEach((listener) => listener());
  }

  get readOnly() {
    return this.state.doc?.mode !== "edit";
  }

  /** Takes a whole document in. Of the same draft (loaded again after a conflict or a lost connection), unsaved edits are kept. */
  load(doc) {
    const again = this.state.doc?.id === doc.id;
    const unsaved = again ? this.outbox.rebase(doc.revision) : [];
    if (!again) this.outbox.reset(doc.revision ?? 0);
    this.history.clear();
    const graph = graphs.applyAll({ nodes: doc.nodes, connections: doc.connections }, unsaved);
    const kept = again ? this.remaining(graph) : { selection: [], panel: null };
    this.set({ doc, graph, problems: doc.problems ?? [], canUndo: false, canRedo: false, ...kept });
    const { keeping } = this;
    this.keeping = null;
    if (!again || !keeping) return;
    const mine = redone(keeping.local, this.state.graph, keeping.operations);
    this.edit(mine);
    this.notify(mine.length ? "Your change is in again, on top of the other one." : "Your change can't be made any more: what it was about is gone.", mine.length ? "success" : "warning");
  }

  /** Performs operations as one entry of the history. `merge` marks typing: the same mark again extends the entry. */
  edit(operations, merge = null) {
    if (this.readOnly || !operations.length) return;
    const inverse = graphs.invertAll(this.state.graph, operations);
    this.perform(operations, merge);
    this.history.note(operations, inverse, merge);
    this.tellHistory();
  }

  perform(operations, merge = null) {
    const graph = graphs.applyAll(this.state.graph, operations);
    this.set({ graph, ...this.remaining(graph) });
    this.outbox.push(operations, merge, joined);
  }

  /** Selection and panel without the nodes that `graph` has no longer. */
  remaining(graph) {
    const { selection, panel } = this.state;
    const kept = selection.filter((key) => graphs.nodeOf(graph, key));
    return {
      selection: kept.length === selection.length ? selection : kept,
      panel: panel?.kind === "node" && !graphs.nodeOf(graph, panel.key) ? null : panel,
    };
  }

  undo = () => this.travel(this.history.undo(), "Nothing to undo.");
  redo = () => this.travel(this.history.redo(), "Nothing to redo.");

  travel(operations, nothing) {
    if (this.readOnly) return;
    if (!operations) return void this.notify(nothing, "info");
    this.perform(operations);
    this.tellHistory();
  }

  tellHistory() {
    this.set({ canUndo: this.history.past.length > 0, canRedo: this.history.future.length > 0 });
  }

  /** Changes one config field; undefined or null takes it away. */
  configure(key, name, value) {
    this.edit([{ op: "configure_node", key, fields: { config: { [name]: value ?? null } } }], `${key}/config/${name}`);
  }

  /** Changes one of the node's own fields: its name, retry, timeout … */
  setField(key, name, value) {
    this.edit([{ op: "configure_node", key, fields: { [name]: value } }], `${key}/${name}`);
  }

  rename(key, newKey) {
    this.edit([{ op: "rename_node", key, new_key: newKey }]);
    this.set({ selection: [newKey], panel: { kind: "node", key: newKey } });
  }

  /** Adds a node of this type at `place`, or to the right of `from` ({key, port}), connected with it; and chooses it. */
  add(typeName, { place = null, from = null } = {}) {
    const type = this.state.catalogue[typeName];
    if (!type || this.readOnly) return null;
    const { graph } = this.state;
    const key = graphs.freshKey(new Set(graph.nodes.map((node) => node.key)), typeName);
    const source = from && graphs.nodeOf(graph, from.key);
    const position = place ?? graphs.freePlace(graph, source);
    const node = newNode(key, type, position);
    const operations = [{ op: "add_node", node }];
    if (source && type.inputs.length) operations.push({ op: "connect", source: source.key, source_port: from.port ?? graphs.MAIN, target: key });
    this.edit(operations);
    this.select([key]);
    return key;
  }

  connect(link) {
    const { graph, catalogue } = this.state;
    const reason = graphs.refusal(graph, link, catalogue);
    if (reason) return void this.notify(reason, "warning");
    this.edit([{ op: "connect", ...link }]);
  }

  remove(keys, links = []) {
    const gone = new Set(keys);
    const loose = links.filter((link) => !gone.has(link.source) && !gone.has(link.target));
    const operations = loose.map(({ source, source_port, target }) => ({ op: "disconnect", source, source_port, target }));
    if (keys.length) operations.push({ op: "remove_nodes", keys });
    this.edit(operations);
  }

  /** Puts a node of this type between the two ends of a connection. */
  insert(typeName, link) {
    const type = this.state.catalogue[typeName];
    const { graph } = this.state;
    const [source, target] = [graphs.nodeOf(graph, link.source), graphs.nodeOf(graph, link.target)];
    if (!type?.inputs.length || !source || !target) return;
    const key = graphs.freshKey(new Set(graph.nodes.map((node) => node.key)), typeName);
    const middle = { x: Math.round((source.position.x + target.position.x) / 20) * 10, y: Math.round((source.position.y + target.position.y) / 20) * 10 + 100 };
    const node = newNode(key, type, middle);
    this.edit([
      { op: "disconnect", ...link },
      { op: "add_node", node },
      { op: "connect", ...link, target: key },
      { op: "connect", source: key, source_port: graphs.portsOf(type, node)[0], target: link.target },
    ]);
    this.select([key]);
  }

  paste(fragment, at = null) {
    const unknown = fragment.nodes.find((node) => !this.state.catalogue[node.type]);
    if (unknown) this.notify(`This instance has no node type “${unknown.type}”. It was pasted, but can't run here.`, "warning");
    const { operations, keys } = graphs.pasted(this.state.graph, { ...fragment, nodes: fragment.nodes.map(ownAddress) }, at);
    this.edit(operations);
    this.select(keys);
  }

  select(keys) {
    const now = new Set(this.state.selection);
    if (keys.length !== now.size || keys.some((key) => !now.has(key))) this.set({ selection: keys });
  }

  /** Opens a node's panel. */
  openNode(key) {
    this.select([key]);
    this.set({ panel: { kind: "node", key }, sheet: null });
  }

  openPanel(kind) {
    this.set({ panel: this.state.panel?.kind === kind ? null : { kind }, sheet: null });
  }

  showPanel(kind) {
    this.set({ panel: { kind }, sheet: null });
  }

  closePanel() {
    if (this.state.panel) this.set({ panel: null });
  }

  /** Chooses a node, brings it into view and opens its panel. */
  reveal(key) {
    if (!key) return;
    this.openNode(key);
    this.set({ focus: { key, at: Date.now() } });
  }

  notify(text, kind = "info") {
    const notice = { text, kind, at: Date.now() };
    this.set({ notice });
    setTimeout(() => this.state.notice === notice && this.set({ notice: null }), NOTICE_MS[kind] ?? 6000);
  }

  /** What somebody else did to the same draft: `{seq, revision, operations}`. */
  hear({ seq, revision, operations }) {
    if (seq <= this.heard) return;
    this.heard = seq;
    const graph = graphs.applyAll(this.state.graph, operations);
    this.set({ graph, ...this.remaining(graph) });
    this.outbox.moved(revision);
    this.notify("Somebody else has changed this workflow just now; you see it as it is.");
  }

  /** The backend's answer to a batch of operations. */
  saved(answer) {
    if (answer.fatal) {
      if (answer.batch !== this.outbox.underWay?.batch) return;
      this.outbox.drop();
      this.notify(`Not saved: ${answer.error} The draft was loaded again.`, "error");
      this.emit.reload();
      return;
    }
    const sent = this.outbox.underWay?.operations ?? [];
    if (!this.outbox.answer(answer)) return;
    this.set({ problems: answer.problems ?? this.state.problems });
    if (this.state.doc && !answer.conflicts?.length) this.set({ doc: { ...this.state.doc, has_unpublished_changes: true } });
    if (!answer.conflicts?.length) return;
    const refused = new Set(answer.conflicts.map((conflict) => conflict.id));
    const operations = [...(this.state.conflict?.operations ?? []), ...sent.filter((operation) => refused.has(operation.id))];
    this.set({ conflict: { reason: answer.conflicts[0].reason, operations, local: this.state.conflict?.local ?? this.state.graph } });
  }

  /** After a conflict: loads the draft as it is now, and with `keep` does one's own refused changes again, on top of it. */
  settleConflict(keep) {
    this.keeping = keep ? this.state.conflict : null;
    this.set({ conflict: null });
    this.emit.reload();
  }

  /** Runs the draft; `only` one node on what its predecessors put out last, or `until` one node. */
  run(input, { only = null, until = null } = {}) {
    this.set({ busy: "run" });
    this.whenSaved(() => this.emit.run({ input, only, until }));
  }

  /** Sets what a node puts out in test runs instead of running; null: it runs again. */
  pin(key, value) {
    this.edit([{ op: "configure_node", key, fields: { pinned: value } }]);
  }

  /** Values of steps; only the latest are kept. */
  gotValues(found) {
    const kept = Object.entries(this.state.values).slice(-VALUES_KEPT);
    this.set({ values: { ...Object.fromEntries(kept), ...Object.fromEntries(found.map((one) => [one.step, one])) } });
  }

  /** More items of a long list in a step's value. */
  gotPage({ step, part, pointer, start, items, cuts }) {
    const found = this.state.values[step];
    if (!found) return;
    const longer = { ...found[part], value: extended(found[part].value, pointer, start, items), cuts: { ...found[part].cuts, ...cuts } };
    this.set({ values: { ...this.state.values, [step]: { ...found, [part]: longer } } });
  }

  /** Another run beside the one that is shown. Nodes are marked where the two differ. */
  compare({ other, nodes = {} }) {
    const marks = Object.fromEntries(Object.entries(nodes).filter(([, node]) => node.mark !== "same").map(([key, node]) => [key, node.mark]));
    this.set({ comparison: other ? { other, nodes } : null, marks });
  }

  /** Asks what an expression of a node gives with the recorded data. Those asked for in a moment are asked together. */
  wantPreview(key, expression) {
    if (this.wanted.node !== key) {
      this.wanted.clear();
      this.wanted.node = key;
    }
    this.wanted.add(expression);
    clearTimeout(this.asking);
    this.asking = setTimeout(() => this.whenSaved(() => {
      const expressions = [...this.wanted];
      this.wanted.clear();
      if (expressions.length) this.emit.previews({ node: key, expressions });
    }), PREVIEW_MS);
  }

  /** What expressions give: `{node, results: [{expression, value} or {expression, error}]}`. */
  previewed({ node, results }) {
    const found = Object.fromEntries(results.map((result) => [`${node} ${result.expression}`, result]));
    this.set({ previews: { ...this.state.previews, ...found } });
  }

  /** Cancels, pauses, resumes, retries or replays an execution. */
  steer(executionId, verb) {
    this.set({ busy: verb });
    this.emit.steer(executionId, verb);
  }

  /** Lets the draft's webhook answer under its test address for a while. */
  listen() {
    this.set({ busy: "listen" });
    this.whenSaved(() => this.emit.listen());
  }

  /** Changes some of the workflow's settings. What is typed is gathered for a moment, as operations are. */
  changeSettings(change) {
    const settings = { ...this.state.doc.settings, ...change };
    this.set({ doc: { ...this.state.doc, settings } });
    clearTimeout(this.settling);
    this.settling = setTimeout(() => {
      this.set({ busy: "settings" });
      this.emit.settings(this.state.doc.settings);
    }, SETTLE_MS);
  }

  enable(on) {
    this.set({ busy: "enable" });
    this.whenSaved(() => this.emit.enable(on));
  }

  /** Moves the chosen nodes by so many pixels. */
  nudge(dx, dy) {
    const moves = this.state.selection.map((key) => graphs.nodeOf(this.state.graph, key)).map(({ key, position: { x, y } }) => ({ key, x: x + dx, y: y + dy }));
    if (moves.length) this.edit([{ op: "move_nodes", moves }], `move/${this.state.selection.join()}`);
  }

  renameWorkflow(name) {
    this.set({ busy: "rename" });
    this.emit.rename(name);
  }

  publish(note = "") {
    this.set({ busy: "publish" });
    this.whenSaved(() => this.emit.publish(note));
  }

  /** Makes a version the draft. */
  restore(number) {
    this.set({ busy: "restore", version: null });
    this.whenSaved(() => this.emit.restore(number));
  }

  /** Runs `action` once everything typed so far is stored. */
  async whenSaved(action) {
    await this.outbox.flush();
    action();
  }
}

function joined(before, after) {
  if (after.op === "move_nodes") return { ...before, moves: after.moves };
  const config = after.fields.config ? { ...before.fields.config, ...after.fields.config } : before.fields.config;
  return { ...before, fields: { ...before.fields, ...after.fields, ...(config ? { config } : {}) } };
}

const newNode = (key, type, position) =>
  ({ key, type: type.type, name: "", config: initialConfig(type), position, disabled: false, join: "any", notes: "" });

/** The defaults that the schema requires to be chosen, and for webhooks an address that can't be guessed. */
function initialConfig(type) {
  const { properties = {}, required = [] } = type.config_schema ?? {};
  const config = {};
  for (const name of required) {
    if (properties[name]?.default !== undefined) config[name] = properties[name].default;
  }
  if (type.type === "trigger.webhook") config.path = randomPath();
  return config;
}

/** A copied webhook gets an address of its own: two can't listen at one. */
const ownAddress = (node) => (node.type === "trigger.webhook" ? { ...node, config: { ...node.config, path: randomPath() } } : node);

const randomPath = () => [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

export const StoreContext = createContext(null);
export const useEditor = () => useContext(StoreContext);

/** The part of the state that `select` takes out; the component is drawn again only when that part changes. */
export const useStore = (select, equal) => useStoreOf(useEditor(), select, equal);

/** The same, where there is no context yet. */
export function useStoreOf(store, select, equal = Object.is) {
  const last = useRef(undefined);
  return useSyncExternalStore(store.subscribe, () => {
    const next = select(store.state);
    if (last.current !== undefined && equal(last.current, next)) return last.current;
    last.current = next;
    return next;
  });
}
