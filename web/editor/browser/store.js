// What one open editor knows: the drawing, and what was asked of the backend about it: runs, values, versions. React reads it
// through `useStore`.

import { createContext, useContext, useRef, useSyncExternalStore } from "react";
import { Drawing } from "./drawing.js";
import * as graphs from "./graph.js";
import { following, heard } from "./logs.js";
import { changedElsewhere } from "./naming.js";
import { seen } from "./ran.js";
import { extended } from "./rows.js";
import { Settings } from "./settings.js";
import { trialOf } from "./trial.js";
import { otherwise, turned } from "./turning.js";

const PREVIEW_MS = 350;
const VALUES_KEPT = 12;
const LOGS_KEPT = 4;

export class Store extends Drawing {
  wanted = new Set();
  settings = new Settings({
    send: (some) => {
      this.set({ busy: this.state.busy ?? "settings" }); // something else may be waiting for just this
      this.emit.settings(some);
    },
    changed: () => this.set({ setting: !this.settings.idle }),
  });

  /** Takes a whole document in; settings that are not stored yet stand over its own. */
  load(doc) {
    if (doc.mode !== "edit") return void super.load(doc);
    this.settings.about(doc.id);
    this.settings.revision = doc.revision;
    const before = this.before?.id === doc.id ? this.before : null;
    this.before = null;
    super.load({ ...doc, settings: this.settings.over(doc.settings) }, Boolean(before));
    this.settings.take();
    this.showSettings();
    if (before) this.replaced(before);
  }

  /** The whole draft has become another one, as somebody here wanted: that is one step, and can be taken back. `before` is what it was. */
  replaced(before) {
    const { graph, doc } = this.state;
    const [done, undone] = [turned(before.graph, graph), turned(graph, before.graph)];
    const settings = { before: otherwise(doc.settings, before.settings), after: otherwise(before.settings, doc.settings) };
    if (done.length || Object.keys(settings.after).length) this.history.note(done, undone, null, settings);
    this.tellHistory();
  }

  /** What the workflow is now, without its graph: `change` is of the document, `number` that of the settings which are answered by it. */
  told(change, number = null) {
    this.settings.answer(number);
    const { settings: told, ...others } = change;
    const settings = told && this.settings.isNews(change.revision) ? { settings: this.settings.over(told) } : {};
    this.set({ doc: { ...this.state.doc, ...others, ...settings } });
  }

  /** How the workflow stands, but for its graph, since its settings were changed: here, or by somebody else. */
  stands({ stamp, of, own, problems, ...change }) {
    const { doc } = this.state;
    if (of !== doc?.id || change.revision < this.settings.revision) return;
    const later = this.outbox.seen > change.revision || !this.outbox.idle; // what that leaves to be published is known better here
    this.told({ ...change, has_unpublished_changes: change.has_unpublished_changes || (later && doc.has_unpublished_changes) });
    if (!later) this.set({ problems });
    if (JSON.stringify(this.state.doc.settings) !== JSON.stringify(doc.settings)) this.notify(changedElsewhere(own, "the workflow's settings", "them as they are"));
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
    const { graph } = this.state;
    if (!this.answered(answer)) return;
    this.set({ problems: answer.problems ?? this.state.problems });
    const { refused } = this.outbox;
    if (this.state.doc && !refused.length) this.set({ doc: { ...this.state.doc, has_unpublished_changes: true } });
    if (!refused.length) return;
    const reason = answer.conflicts?.[0]?.reason ?? "This was changed elsewhere meanwhile.";
    const operations = [...(this.state.conflict?.operations ?? []), ...refused];
    this.set({ conflict: { reason, operations, local: this.state.conflict?.local ?? graph } });
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

  /** Some of what a node wrote (logs.js). What doesn't follow on what is there is passed over. */
  gotLog(answer) {
    const of = `${answer.execution_id}/${answer.node}`;
    const held = this.state.logs[of];
    if (held?.newest && !answer.newest && !answer.again) return void this.readLog(answer.execution_id, answer.node, true); // the node got further
    const log = heard(held, answer);
    if (!log) return;
    const others = Object.entries(this.state.logs).filter(([one]) => one !== of).slice(-LOGS_KEPT);
    this.set({ logs: { ...Object.fromEntries(others), [of]: log } });
  }

  /** Asks for what a node that runs has written since. */
  followLog(execution_id, node) {
    const last = following(this.state.logs[`${execution_id}/${node}`]);
    if (last) this.emit.log({ execution_id, node, ...last, again: true });
  }

  /** Asks for more of what a node wrote, or for all of it from the `newest` or the oldest line. */
  readLog(execution_id, node, newest, after = null) {
    const of = `${execution_id}/${node}`;
    this.set({ logs: { ...this.state.logs, [of]: { ...this.state.logs[of], newest, asked: true } } });
    this.emit.log({ execution_id, node, newest, after });
  }

  /** Asks what of the draft was otherwise in an execution, once all of it is stored. */
  async askRan(executionId) {
    if (!await this.outbox.flush()) return;
    this.asked = { executionId, graph: this.state.graph };
    this.emit.ran(executionId);
  }

  /** The answer to that. */
  gotRan(found) {
    if (this.asked?.executionId === found.execution_id) this.set({ ran: seen(this.asked.graph, found) });
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
      if (expressions.length) this.emit.previews({ node: key, expressions, payload: trialOf(this.state) });
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
    if (!Object.keys(change).length) return;
    this.settings.push(change);
    this.showSettings();
  }

  showSettings() {
    this.set({ doc: { ...this.state.doc, settings: this.settings.over(this.state.doc.settings) } });
  }

  enable(on) {
    this.set({ busy: "enable" });
    this.whenSaved(() => this.emit.enable(on));
  }

  renameWorkflow(name) {
    this.set({ busy: "rename" });
    this.emit.rename(name);
  }

  publish(note = "") {
    this.set({ busy: "publish" });
    this.whenSaved(() => this.emit.publish(note));
  }

  /** Makes a version the draft: one step of the history, once it is there. */
  restore(number) {
    this.set({ busy: "restore", drawn: null });
    this.whenSaved(() => {
      const { doc, graph } = this.state;
      this.before = { id: doc.id, graph, settings: doc.settings };
      this.emit.restore(number);
    });
  }

  /** Runs `action` once everything typed so far is stored; not where some of it was refused: what is there then is not what was meant. */
  async whenSaved(action) {
    const [stored] = await Promise.all([this.outbox.flush(), this.settings.flush()]);
    if (stored) action();
    else this.set({ busy: null });
  }
}

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
