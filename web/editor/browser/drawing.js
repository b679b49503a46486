// The drawing that one editor has open: the graph, what is chosen, what can be undone. It lives in the browser, so that neither a drag
// nor a keystroke waits for the server; the server hears operations.

import * as graphs from "./graph.js";
import { History } from "./history.js";
import { between, middle, newNode, ownAddress } from "./making.js";
import { again as redone, feasible, joined, touching } from "./mending.js";
import { changedElsewhere, keysOf, listed, naming } from "./naming.js";
import { grown, isNote, sizeOf } from "./notes.js";
import { Outbox } from "./outbox.js";
import { followed } from "./ports.js";
import { changed, unchangedSince } from "./turning.js";

const NOTICE_MS = { info: 2500, success: 4000, warning: 6000, error: 12_000 };

const OTHERS_KEPT = 20;

/** What is known about one document and holds for no other: a page that is opened is handed what Python still has of the one before. */
const OTHERS = { graphs: {}, drawn: null, marks: {}, comparison: null, data: null, previews: {}, versions: null, runs: null, ran: null };

/** Whether what is shown can only be looked at: a past execution, versions that are compared, a draft that one's role lets one see. */
export const isReadOnly = ({ doc, drawn }) => doc?.mode !== "edit" || doc.may_edit === false || Boolean(drawn);

export class Drawing {
  /** `emit` has one function per event for Python (EVENTS in editor.jsx). */
  constructor(emit) {
    this.emit = emit;
    this.listeners = new Set();
    this.history = new History();
    this.state = {
      doc: null, graph: graphs.EMPTY, catalogue: {}, selection: [], save: "saved", problems: [], refused: false, notice: null,
      canUndo: false, canRedo: false, panel: null, focus: null, sight: null, quick: null, sheet: null, steps: {}, values: {}, logs: {}, ran: null, conflict: null, offered: null, comparison: null, data: null, previews: {}, marks: {},
      writing: null, aim: null, look: null, wide: false, graphs: {}, drawn: null,
    };
    this.gone = new Map(); // by key, the nodes that somebody else has taken away: what they were called
    this.others = []; // what somebody else did lately: an answer may say that it came after one's own change
    this.chosenLinks = [];
    this.say = () => undefined; // tells screen readers; the canvas brings the way
    this.opened = null; // the node that was opened since a press began (canvas.jsx)
    this.field = null; // the field of the panel that has the cursor, or had it last
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
    return isReadOnly(this.state);
  }

  /** Takes a whole document in. Of the same draft (loaded again after a conflict, or since it was changed elsewhere), unsaved edits are kept,
   * and what can be undone but for what is otherwise now; all of that where it was changed from `here`, as one step. */
  load(doc, here = false) {
    const again = this.state.doc?.id === doc.id;
    const unsaved = again ? this.outbox.rebase(doc.revision) : [];
    if (!again) this.outbox.reset(doc.revision ?? 0);
    this.others = [];
    const graph = graphs.applyAll({ nodes: doc.nodes, connections: doc.connections }, unsaved);
    if (again) this.miss(graph);
    else [this.history, this.gone].forEach((one) => one.clear());
    const theirs = again && !here ? changed(this.state.graph, graph) : [];
    this.spoil(theirs);
    const kept = again ? this.remaining(graph) : { ...OTHERS, selection: [], panel: null, writing: null, refused: false };
    this.set({ doc, graph, problems: doc.problems ?? [], ...kept });
    this.tellHistory();
    if (theirs.length && doc.elsewhere) this.notify(changedElsewhere(doc.elsewhere.own));
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
    const sent = this.hold(operations);
    this.outbox.push(sent, operations.length > 1 ? null : merge, joined); // only of one operation is there one that says both
  }

  /** Goes on with what the page before this one had not stored: `{revision, operations}`. */
  resume({ revision, operations }) {
    this.perform(operations);
    this.outbox.date(revision);
  }

  /** Keeps back what is about the same as a conflict that is not decided: it belongs to that choice. Returns the others. */
  hold(operations) {
    const { conflict } = this.state;
    const about = conflict ? operations.filter((operation) => conflict.operations.some((one) => touching(one, operation))) : [];
    if (about.length) this.set({ conflict: { ...conflict, operations: [...conflict.operations, ...about] } });
    return operations.filter((operation) => !about.includes(operation));
  }

  /** What was done to the same draft elsewhere: `{revision, operations, own}`. This page's changes that are not stored yet stay. */
  hear({ revision, operations, own }) {
    if (!this.state.doc || revision <= this.outbox.seen) return;
    this.others = [...this.others, { revision, operations }].slice(-OTHERS_KEPT);
    this.outbox.moved(revision);
    this.takeIn(operations, own);
  }

  /** Lays operations of others into the graph, under one's own that are not stored yet. */
  takeIn(operations, own) {
    this.lay(operations);
    this.spoil(operations);
    this.notify(changedElsewhere(own));
  }

  lay(operations) {
    const graph = graphs.applyAll(this.state.graph, [...operations, ...this.outbox.pending]);
    this.miss(graph);
    this.set({ graph, ...this.remaining(graph) });
  }

  /** What others did can't be undone over. */
  spoil(operations) {
    this.history.spoil((own) => operations.some((theirs) => touching(own, theirs)));
  }

  /** Remembers the nodes that `graph` has no longer. */
  miss(graph) {
    for (const node of this.state.graph.nodes) if (!graphs.nodeOf(graph, node.key)) this.gone.set(node.key, node);
  }

  /** The backend's answer to a batch. Returns whether it was waited for. What others did before it is taken in where it was not heard
   * yet, and what they did after that batch was stored stands over it. */
  answered(answer) {
    if (!this.outbox.answer(answer)) return false;
    const { fresh, seen } = this.outbox;
    if (!fresh) this.emit.reload();
    else if (fresh.length) this.takeIn(fresh.flatMap((other) => other.operations));
    const later = this.others.filter((other) => other.revision > answer.revision);
    if (later.length) this.lay(later.flatMap((other) => other.operations));
    if (fresh) this.outbox.moved(seen);
    return true;
  }

  /** Selection and panel without the nodes that `graph` has no longer. */
  remaining(graph) {
    const { selection, panel, writing } = this.state;
    const kept = selection.filter((key) => graphs.nodeOf(graph, key));
    return {
      writing: writing && graphs.nodeOf(graph, writing) ? writing : null,
      selection: kept.length === selection.length ? selection : kept,
      panel: panel?.kind === "node" && !graphs.nodeOf(graph, panel.key) ? null : panel,
    };
  }

  undo = () => this.travel("undo", "Nothing to undo.");
  redo = () => this.travel("redo", "Nothing to redo.");

  travel(way, nothing) {
    if (this.readOnly) return;
    const operations = this.history[way]();
    if (!operations) return void this.notify(nothing, "info");
    const { spoiled, settings } = this.history;
    if (operations.length) this.perform(feasible(this.state.graph, operations));
    if (settings) this.changeSettings(unchangedSince(settings.from, settings.to, this.state.doc.settings));
    if (spoiled.length) this.notify(`Since then there were other changes to ${this.spoiledNodes}: that step is left out.`, "warning");
    this.tellHistory();
  }

  /** The nodes that a step which can't be taken back is about, in words. */
  get spoiledNodes() {
    const keys = new Set(this.history.spoiled.flatMap(keysOf));
    return listed([...keys].map(naming(this.state, [...this.gone.values()])));
  }

  tellHistory() {
    this.set({ canUndo: this.history.past.length > 0, canRedo: this.history.future.length > 0 });
  }

  /** Changes one config field; undefined or null takes it away. */
  configure(key, name, value) {
    this.change(key, { config: { [name]: value ?? null } }, `${key}/config/${name}`);
  }

  /** Changes one of the node's own fields: its name, retry, timeout … */
  setField(key, name, value) {
    this.change(key, { [name]: value }, `${key}/${name}`);
  }

  /** Changes fields of a node; connections follow its ports. */
  change(key, fields, merge) {
    const operation = { op: "configure_node", key, fields };
    const before = graphs.nodeOf(this.state.graph, key);
    const after = before && graphs.nodeOf(graphs.apply(this.state.graph, operation), key);
    this.edit([operation, ...(before ? followed(this.state.graph, this.state.catalogue[before.type], before, after) : [])], merge);
  }

  rename(key, newKey) {
    this.edit([{ op: "rename_node", key, new_key: newKey }]);
    this.set({ selection: [newKey], panel: { kind: "node", key: newKey } });
  }

  /** Adds a node of this type at `place`, or to the right of `from` ({key, port}), brought into view, an open panel going on to it; connected with it, or with the node `to`; and chooses it. */
  add(typeName, { place = null, from = null, to = null } = {}) {
    const type = this.state.catalogue[typeName];
    if (!type || this.readOnly) return null;
    const { graph } = this.state;
    const source = from && graphs.nodeOf(graph, from.key);
    const node = newNode(graph, type, place ?? graphs.freePlace(graph, source));
    const operations = [{ op: "add_node", node }];
    if (source && type.inputs.length) operations.push({ op: "connect", source: source.key, source_port: from.port ?? graphs.MAIN, target: node.key });
    const port = graphs.portsOf(type, node)[0];
    if (to && port && graphs.nodeOf(graph, to)) operations.push({ op: "connect", source: node.key, source_port: port, target: to });
    this.edit(operations);
    this.select([node.key]);
    if (!place) this.set({ sight: { key: node.key }, ...(this.state.panel?.kind === "node" ? { panel: { kind: "node", key: node.key } } : {}) });
    if (isNote(node)) this.write(node.key);
    return node.key;
  }

  connect(link) {
    const { graph, catalogue } = this.state;
    const reason = graphs.refusal(graph, link, catalogue);
    if (reason) return void this.notify(reason, "warning");
    this.edit([{ op: "connect", ...link }]);
  }

  /** The graph without one connection; null: as it is. */
  without(link) {
    return link ? graphs.apply(this.state.graph, { op: "disconnect", ...link }) : this.state.graph;
  }

  /** Leads a connection elsewhere, as one step of the history. */
  reconnect(before, link) {
    if (["source", "source_port", "target"].every((part) => before[part] === link[part])) return;
    const reason = graphs.refusal(this.without(before), link, this.state.catalogue);
    if (reason) return void this.notify(reason, "warning");
    this.edit([{ op: "disconnect", ...before }, { op: "connect", ...link }]);
  }

  /** The port that a connection leaves by where nobody says which. */
  firstPort(key) {
    const node = graphs.nodeOf(this.state.graph, key);
    return graphs.portsOf(this.state.catalogue[node?.type], node)[0] ?? graphs.MAIN;
  }

  /** Where what comes next leaves a node, `{key, port}`: its first port that leads nowhere yet, else its first one. Null where it has none. */
  freePort(key) {
    const node = graphs.nodeOf(this.state.graph, key);
    if (isNote(node)) return null;
    const ports = graphs.portsOf(this.state.catalogue[node.type], node);
    const taken = new Set(graphs.linksFrom(this.state.graph, key).map((link) => link.source_port));
    const port = ports.find((one) => !taken.has(one)) ?? ports[0];
    return port ? { key, port } : null;
  }

  remove(keys, links = []) {
    const gone = new Set(keys);
    const loose = links.filter((link) => !gone.has(link.source) && !gone.has(link.target));
    const operations = loose.map(({ source, source_port, target }) => ({ op: "disconnect", source, source_port, target }));
    if (keys.length) operations.push({ op: "remove_nodes", keys });
    this.edit(operations);
  }

  /** Puts a node of this type between the two ends of a connection: at `place`, or in the middle. */
  insert(typeName, link, place = null) {
    const type = this.state.catalogue[typeName];
    const { graph } = this.state;
    if (this.readOnly || !type?.inputs.length || !graphs.nodeOf(graph, link.source) || !graphs.nodeOf(graph, link.target)) return;
    const node = newNode(graph, type, middle(graph, link, place));
    this.edit([{ op: "add_node", node }, ...between(graph, link, node, graphs.portsOf(type, node)[0])]);
    this.select([node.key]);
  }

  /** Shows which connection what is dragged would be put into; null: none. */
  aimAt(link) {
    const { aim } = this.state;
    if (link && this.readOnly) return;
    if (aim !== link && JSON.stringify(aim) !== JSON.stringify(link)) this.set({ aim: link });
  }

  paste(fragment, at = null, { addresses = "own" } = {}) {
    if (this.readOnly) return;
    const unknown = fragment.nodes.find((node) => !this.state.catalogue[node.type]);
    if (unknown) this.notify(`This instance has no node type “${unknown.type}”. It was pasted, but can't run here.`, "warning");
    const { operations, keys } = graphs.pasted(this.state.graph, addresses === "own" ? { ...fragment, nodes: fragment.nodes.map(ownAddress) } : fragment, at);
    this.edit(operations);
    this.select(keys);
  }

  /** Chooses these nodes, and no connection unless somebody chose some `withLinks`. */
  select(keys, { withLinks = false } = {}) {
    if (!withLinks) this.chosenLinks = [];
    const now = new Set(this.state.selection);
    if (keys.length !== now.size || keys.some((key) => !now.has(key))) this.set({ selection: keys });
  }

  /** Opens a node's panel, with `naming` at its name; a note where it stands. */
  openNode(key, { naming = false } = {}) {
    this.opened = key;
    this.select([key]);
    if (isNote(graphs.nodeOf(this.state.graph, key))) return void this.write(key);
    this.set({ panel: { kind: "node", key, naming: naming ? Date.now() : null }, sheet: null });
  }

  /** Lets somebody write in a note, where it stands; null: no longer. */
  write(key) {
    if (key) this.closeNode();
    this.set({ writing: this.readOnly ? null : key });
  }

  /** Closes what lies uppermost: the small palette, a node's large view, the panel. Whether there was something. */
  stepBack() {
    const { quick, wide, panel } = this.state;
    if (quick) this.set({ quick: null });
    else if (wide) this.set({ wide: false });
    else this.closePanel();
    return Boolean(quick || wide || panel);
  }

  /** Closes the panel where it shows a node. */
  closeNode() {
    if (this.state.panel?.kind === "node") this.set({ panel: null });
  }

  openPanel(kind) {
    this.set({ panel: this.state.panel?.kind === kind ? null : { kind }, sheet: null });
  }

  showPanel(kind) {
    this.set({ panel: { kind }, sheet: null });
  }

  closePanel() {
    if (this.state.panel) this.set({ panel: null, wide: false });
  }

  /** The node whose panel the first click of a double one has opened, wherever the second one fell. */
  get justOpened() {
    return this.state.panel?.kind === "node" && this.state.panel.key === this.opened ? this.opened : null;
  }

  /** Opens a node's panel over the whole canvas. */
  openWide(key) {
    this.openNode(key);
    this.set({ wide: true });
  }

  /** Chooses a node, brings it into view and opens its panel. */
  reveal(key) {
    if (!key) return;
    this.openNode(key);
    this.set({ focus: { key, at: Date.now() }, sight: null });
  }

  notify(text, kind = "info") {
    const notice = { text, kind, at: Date.now() };
    this.set({ notice });
    setTimeout(() => this.state.notice === notice && this.set({ notice: null }), NOTICE_MS[kind] ?? 6000);
  }

  /** Sets what a node puts out in test runs instead of running; null: it runs again. */
  pin(key, value) {
    this.edit([{ op: "configure_node", key, fields: { pinned: value } }]);
  }

  /** Moves the chosen nodes by so many pixels. */
  nudge(dx, dy) {
    const moves = this.state.selection.map((key) => graphs.nodeOf(this.state.graph, key)).map(({ key, position: { x, y } }) => ({ key, x: x + dx, y: y + dy }));
    if (!moves.length) return;
    this.edit([{ op: "move_nodes", moves }], `move/${this.state.selection.join()}`);
    this.say(moves.length > 1 ? `${moves.length} nodes moved.` : `Moved to ${moves[0].x}, ${moves[0].y}.`);
  }

  /** The notes among what is chosen. */
  get chosenNotes() {
    return this.state.selection.map((key) => graphs.nodeOf(this.state.graph, key)).filter(isNote);
  }

  /** Makes the chosen notes larger by so many pixels, within their bounds. */
  grow(dx, dy) {
    const operations = this.chosenNotes.map((note) => ({ op: "configure_node", key: note.key, fields: { config: grown(note, dx, dy) } }));
    this.edit(operations.filter(({ fields }) => Object.keys(fields.config).length), `size/${this.state.selection.join()}`);
    const [{ width, height }] = this.chosenNotes.map(sizeOf);
    this.say(`Note: ${width} wide, ${height} high.`);
  }
}
