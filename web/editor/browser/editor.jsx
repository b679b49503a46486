// The editor and the page of a past execution: one component, put together here. Python hands documents and answers in as
// props and hears events; everything between two events happens in the browser.

import React, { useEffect, useMemo, useRef, useState } from "react";
import { ReactFlowProvider } from "@xyflow/react";
import { CircleAlert, CircleCheck, Info, LoaderCircle, TriangleAlert, X } from "lucide-react";
import { Canvas } from "./canvas.jsx";
import { useCommands } from "./commands.jsx";
import { Empty } from "./empty.jsx";
import { Palette, QuickAdd } from "./palette.jsx";
import { Panel } from "./panel.jsx";
import { ConflictDialog } from "./conflict.jsx";
import { ComparisonBar } from "./compare_runs.jsx";
import { nodeOf } from "./graph.js";
import { parsed } from "./integers.js";
import { Remarks, takeConverted } from "./converted.jsx";
import { CopiedRun } from "./pin.jsx";
import { remember } from "./paths.js";
import { RunDialog } from "./runs.jsx";
import { ShownRun, clearedRun, useSeenByRun } from "./shown_run.jsx";
import { useShortcuts } from "./shortcuts.jsx";
import { statuses, useRun } from "./status.js";
import { Store, StoreContext, useEditor, useStore, useStoreOf } from "./store.js";
import { startsText } from "./summary.js";
import { Toolbar } from "./toolbar.jsx";
import { keepUnsent, takeUnsent } from "./unsent.js";
import { EditBar, FailureBanner, RunBar } from "./topbar.jsx";
import "./frame.css";
import "./canvas.css";
import "./note.css";
import "./panel.css";
import "./outline.css";
import "./results.css";

const EVENTS = ["operations", "publish", "enable", "run", "step", "log", "ran", "runs", "rename", "reload", "refresh", "watch", "leave", "steer", "listen", "inputs", "saveInput", "deleteInput", "settings", "data", "previews", "versions", "version", "restore", "values", "page", "compare", "pins", "convert", "times"];
const WATCH_MS = 20_000;
const capital = (name) => name.charAt(0).toUpperCase() + name.slice(1);

/** The store of this page. Its `emit` always calls the newest handlers: Reflex makes new ones each time it draws. */
function usePageStore(props) {
  const latest = useRef(props);
  latest.current = props;
  return useMemo(() => new Store(Object.fromEntries(EVENTS.map((name) => [name, (...values) => latest.current[`on${capital(name)}`]?.(...values)]))), []);
}

/** The tab is called what the page shows: several are open at once. */
function useTitle() {
  const title = useStore(({ doc }) => doc && (doc.mode === "edit" ? doc.name : `${doc.name || "Deleted workflow"} · Execution`));
  useEffect(() => { if (title) document.title = `${title} · Trestle`; }, [title]);
}

const CARRIED = ["document", "saved", "values", "page", "pins", "converted", "inputs", "version", "data", "previews", "remote", "ran"];

/** The props with what those of them hold that travel as JSON text. */
function useCarried(props) {
  const held = CARRIED.map((name) => useMemo(() => (props[name] ? parsed(props[name]) : null), [props[name]]));
  return { ...props, ...Object.fromEntries(CARRIED.map((name, at) => [name, held[at]])) };
}

/** What Python says, taken into the store: each part once, when it is new. */
function useIncoming(store, { document: doc, catalogue, credentials, saved, live, step, log, ran, runs, meta, remote, inputs, workflows, data, previews, versions, version, values, page, comparison, pins, converted, times, people, standing }) {
  useEffect(() => void store.set({ catalogue: Object.fromEntries((catalogue ?? []).map((type) => [type.type, type])) }), [store, catalogue]);
  useEffect(() => void store.set({ credentials }), [store, credentials]);
  const load = doc?.load ?? 0;
  useEffect(() => {
    if (!load) return;
    statuses.clear();
    statuses.dismiss(doc.mode === "edit" ? clearedRun(doc.id) : null);
    store.load(doc);
    const unsent = doc.mode === "edit" ? takeUnsent(doc.id) : null;
    if (unsent) store.resume(unsent);
    revealNamed(store);
  }, [store, load]);
  useEffect(() => void (saved?.batch && store.saved(saved)), [store, saved]);
  useEffect(() => void statuses.receive(live), [live]);
  useEffect(() => void (step?.execution_id && store.set({ steps: { ...store.state.steps, [`${step.execution_id}/${step.node}`]: step } })), [store, step]);
  useEffect(() => void (log?.stamp && store.gotLog(log)), [store, log]);
  useEffect(() => void (ran?.stamp && store.gotRan(ran)), [store, ran]);
  useEffect(() => void (values?.found && store.gotValues(values.found)), [store, values]);
  useEffect(() => void (page?.items && store.gotPage(page)), [store, page]);
  useEffect(() => void (comparison?.stamp && store.compare(comparison)), [store, comparison]);
  useEffect(() => void (pins?.stamp && store.set({ offered: pins })), [store, pins]);
  useEffect(() => void (converted?.number && takeConverted(store, converted)), [store, converted]);
  useEffect(() => void (times?.stamp && store.set({ times })), [store, times]);
  useEffect(() => void store.set({ people: people ?? [] }), [store, people]);
  useEffect(() => void (runs?.stamp && store.set({ runs: runs.items })), [store, runs]);
  useEffect(() => void store.set({ inputs: inputs ?? [] }), [store, inputs]);
  useEffect(() => void store.set({ workflows }), [store, workflows]);
  useEffect(() => {
    if (!data?.stamp) return;
    remember(data);
    store.set({ data, previews: {} });
  }, [store, data]);
  useEffect(() => void (versions?.stamp && store.set({ versions: versions.items })), [store, versions]);
  useEffect(() => void (version?.stamp && store.set({ graphs: { ...store.state.graphs, [version.number]: version.graph } })), [store, version]);
  useEffect(() => void (previews?.results && store.previewed(previews)), [store, previews]);
  useEffect(() => void (standing?.stamp && store.stands(standing)), [store, standing]);
  useEffect(() => void remote?.events?.forEach((change) => store.hear(change)), [store, remote]);
  useEffect(() => {
    if (!meta?.seq || !store.state.doc) return;
    const { seq, of, settled, problems, refused, said, kind, listening, ...change } = meta;
    if (of && of !== store.state.doc.id) return; // the answer to what the page before asked for when it was left
    // Only the page that asked is told: a reloaded one is handed the last answer again.
    const asked = store.state.busy;
    store.told(change, settled);
    store.set({ busy: settled && asked !== "settings" ? asked : null, ...(problems ? { problems, refused: Boolean(refused && asked) } : {}) });
    if (asked === "restore" && kind !== "success") store.before = null; // it was refused: nothing is replaced
    if (refused && asked) store.set({ panel: { kind: "problems" } });
    if (listening && asked) store.set({ listening: { ...listening, before: statuses.run?.execution_id } });
    if (said && asked) store.notify(meta.registered ? `${said}\n${startsText(store.state)}` : said, kind);
  }, [store, meta]);
}

/** Opens the node that the address names (`?node=`), once. */
function revealNamed(store) {
  const key = new URLSearchParams(location.search).get("node");
  if (!key) return;
  history.replaceState(history.state, "", location.pathname);
  if (nodeOf(store.state.graph, key)) store.reveal(key);
  else store.notify("That node is no longer in the draft.", "info");
}

/** Asks before the tab is closed over changes that are not stored yet; sends them where another page of the site is opened. */
function useFarewell(store) {
  useEffect(() => {
    const ask = (event) => {
      if (store.state.doc?.mode !== "edit") return;
      store.outbox.hurry();
      store.settings.hurry();
      keepUnsent(store.state.doc.id, store.outbox);
      store.settings.keep();
      if (!store.outbox.idle || !store.settings.idle) event.preventDefault();
    };
    window.addEventListener("beforeunload", ask, { capture: true }); // Reflex hangs up in a listener of its own
    return () => {
      window.removeEventListener("beforeunload", ask, { capture: true });
      store.outbox.drain();
      store.settings.drain();
    };
  }, [store]);
}

/** Says that somebody looks, as long as somebody does: Python follows the runs for that long. */
function useWatch(store) {
  const load = useStoreOf(store, (state) => state.doc?.load);
  useEffect(() => {
    if (!load) return undefined;
    const look = () => document.visibilityState === "visible" && store.emit.watch();
    const back = () => {
      look();
      if (document.visibilityState === "visible") store.emit.refresh();
    };
    look();
    const timer = setInterval(look, WATCH_MS);
    document.addEventListener("visibilitychange", back);
    return () => {
      clearInterval(timer);
      document.removeEventListener("visibilitychange", back);
      store.emit.leave();
    };
  }, [store, load]);
}

const NOTICE_ICON = { info: Info, success: CircleCheck, warning: TriangleAlert, error: CircleAlert };

function Notice() {
  const store = useEditor();
  const notice = useStore((state) => state.notice);
  if (!notice) return null;
  const Mark = NOTICE_ICON[notice.kind] ?? Info;
  return (
    <div className={`ed-notice is-${notice.kind}`} role="alert" data-testid="notice">
      <Mark size={16} aria-hidden="true" /><span>{notice.text}</span>
      <button className="ed-plain-icon" onClick={() => store.set({ notice: null })} aria-label="Dismiss"><X size={14} /></button>
    </div>
  );
}

/** Recorded data for expressions: of the run before at first, and of each run that ends. */
function useData() {
  const store = useEditor();
  const editing = useStore((state) => state.doc?.mode === "edit" && state.doc.load);
  const run = useRun();
  const ended = ["succeeded", "failed", "cancelled", "waiting"].includes(run?.status) ? `${run.execution_id} ${run.status}` : "";
  useEffect(() => {
    const { data } = store.state;
    const known = ended && data?.execution_id === run.execution_id && data.status === run.status;
    if (editing && !known) store.emit.data(run?.execution_id ?? "");
  }, [store, editing, ended]);
  useEffect(() => void (editing && store.emit.inputs()), [store, editing]); // the next run gets one of them
}

/** The id at the end of the address: a document of another one is the page before, still in Python's state. */
const addressed = () => location.pathname.split("/").filter(Boolean).at(-1);

/** Whether the page is dark: Radix says so by a class of the root element. */
function useDark() {
  const read = () => document.documentElement.classList.contains("dark");
  const [dark, setDark] = useState(read);
  useEffect(() => {
    const watcher = new MutationObserver(() => setDark(read()));
    watcher.observe(document.documentElement, { attributes: true, attributeFilter: ["class"] });
    return () => watcher.disconnect();
  }, []);
  return dark;
}

/** In the place of what isn't there: why, and the list that it would be in. */
function Missing({ why }) {
  const list = location.pathname.startsWith("/executions/") ? "executions" : "workflows";
  return <div className="ed-center"><CircleAlert size={22} /><p>{why}</p><a href={`/${list}`}>To the {list}</a></div>;
}

function Page({ missing }) {
  useShortcuts();
  useCommands();
  useTitle();
  useData();
  useSeenByRun();
  const mode = useStore((state) => (state.doc?.id === addressed() ? state.doc.mode : null));
  const mayEdit = useStore((state) => state.doc?.may_edit);
  const [palette, setPalette] = useState(false);
  const dark = useDark();
  if (missing) return <Missing why={missing} />;
  if (!mode) return <div className="ed-center" data-testid="loading"><LoaderCircle size={22} className="ed-spin" /><p>Opening …</p></div>;
  return (
    <>
      {mode === "edit" ? <EditBar onPalette={() => setPalette(!palette)} /> : <><RunBar /><ComparisonBar /></>}
      <div className="ed-body">
        {mode === "edit" && mayEdit && <div className={`ed-side${palette ? " is-open" : ""}`}><Palette onDone={() => setPalette(false)} /></div>}
        {palette && mayEdit && <div className="ed-scrim" onClick={() => setPalette(false)} />}
        <main className="ed-stage">
          <Canvas dark={dark} />
          <Empty />
          <div className="ed-below"><Toolbar />{mode === "edit" && <ShownRun />}</div>
          {mode === "view" && <FailureBanner />}
          <Notice />
        </main>
        <Panel />
      </div>
      <QuickAdd />
      <RunDialog />
      {mode === "edit" && <><CopiedRun /><ConflictDialog /><Remarks /></>}
    </>
  );
}

export function Editor(props) {
  const store = usePageStore(props);
  useIncoming(store, useCarried(props));
  useFarewell(store);
  useWatch(store);
  return (
    <StoreContext.Provider value={store}>
      <ReactFlowProvider>
        <div className="ed-root"><Page missing={props.missing} /></div>
      </ReactFlowProvider>
    </StoreContext.Provider>
  );
}
