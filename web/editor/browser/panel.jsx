// The side panel: the chosen node's form, policies and last run; the recent runs; what publish refuses.

import React, { useEffect, useRef, useState } from "react";
import { ArrowRightToLine, CircleAlert, Copy, Pin, Play, Power, Trash2 } from "lucide-react";
import { marked } from "./code_words.jsx";
import { TextInput } from "./controls.jsx";
import { Form } from "./form.jsx";
import { keyProblem, linksTo, nodeOf } from "./graph.js";
import { TypeTile } from "./icons.jsx";
import { told } from "./marking.js";
import { useTold } from "./node_card.jsx";
import { Completion } from "./completion.jsx";
import { DataTree } from "./data_tree.jsx";
import { insteadOf, useFold, useSheet } from "./fold.jsx";
import { OutlinePanel } from "./outline.jsx";
import { Often } from "./often.jsx";
import { NextTimes } from "./times.jsx";
import { PinBanner } from "./pin.jsx";
import { PanelHead } from "./panel_head.jsx";
import { WidthHandle, usePanelWidth } from "./panel_width.jsx";
import { Policies } from "./policies.jsx";
import { NodeContext } from "./preview.jsx";
import { Results, useLook } from "./results.jsx";
import { RunsPanel } from "./runs.jsx";
import { RanWith } from "./step_facts.jsx";
import { duplicate, runUpTo, toggleDisabled } from "./shortcuts.jsx";
import { useEditor, useStore } from "./store.js";
import { nameOf } from "./summary.js";
import { Vanished } from "./vanished.jsx";
import { VersionsPanel } from "./versions.jsx";
import { WebhookAddress } from "./webhook.jsx";
import { InputSide, WidenButton } from "./wide.jsx";
import { SettingsPanel } from "./workflow_settings.jsx";

/** The node's key, changed when the field is left or Enter is pressed: every keystroke would rename connections. */
function KeyField({ node }) {
  const store = useEditor();
  const [text, setText] = useState(node.key);
  useEffect(() => void setText(node.key), [node.key]);
  const problem = keyProblem(store.state.graph, text, node.key);
  const settle = () => (problem ? setText(node.key) : text !== node.key && store.rename(node.key, text));
  const keys = (event) => {
    if (event.key === "Enter") event.currentTarget.blur();
    if (event.key === "Escape") setText(node.key);
  };
  return (
    <span className="ed-key" title={problem ?? "The node's key: its name in expressions, nodes.<key>"} data-wrong={problem ? true : undefined} data-testid="field-key">
      nodes.<TextInput value={text} onChange={setText} onBlur={settle} onKeyDown={keys} size={Math.max(4, text.length)} aria-label="Key" readOnly={store.readOnly} />
    </span>
  );
}

function NodeHead({ node, type }) {
  const store = useEditor();
  const naming = useStore((state) => state.panel?.naming);
  const name = useRef(null);
  useEffect(() => {
    if (!naming) return;
    name.current.focus({ preventScroll: true });
    name.current.select();
  }, [naming]);
  return (
    <PanelHead onClose={() => store.closePanel()}>
      <TypeTile type={type} />
      <div className="ed-panel-title">
        <input ref={name} className="ed-name" value={node.name ?? ""} placeholder={type?.title ?? node.type} onChange={(event) => store.setField(node.key, "name", event.target.value)}
          onKeyDown={(event) => event.key === "Enter" && event.currentTarget.blur()} aria-label="Name" data-testid="node-name" readOnly={store.readOnly} maxLength={200} />
        <KeyField node={node} />
      </div>
      {!store.readOnly && (
        <>
          <button className="ed-plain-icon" onClick={() => duplicate(store)} aria-label="Duplicate" title="Duplicate (Ctrl D)"><Copy size={15} /></button>
          <button className="ed-plain-icon" onClick={() => toggleDisabled(store)} aria-pressed={node.disabled} aria-label="Switch off" title={node.disabled ? "Switch on (D)" : "Switch off (D)"}><Power size={15} /></button>
          <button className="ed-plain-icon" onClick={() => store.remove([node.key])} aria-label="Delete" title="Delete (Del)"><Trash2 size={15} /></button>
        </>
      )}
      <WidenButton />
    </PanelHead>
  );
}

/** Problems that no field of the form shows. */
function OtherProblems({ problems, type }) {
  const fields = new Set(Object.keys(type?.config_schema?.properties ?? {}));
  const others = problems.filter((problem) => !problem.loc.some((part) => fields.has(part)));
  return others.map((problem) => <p key={problem.message} className={problem.calm ? "ed-banner is-to-fill" : "ed-banner is-error"}><CircleAlert size={15} aria-hidden="true" /> {problem.message}</p>);
}

/** Runs this node alone, or the draft up to it; writes a pin. */
function NodeActions({ node, type, onPin }) {
  const store = useEditor();
  const busy = useStore((state) => state.busy === "run");
  if (!type?.inputs.length) return null;
  return (
    <span className="ed-node-actions">
      <button onClick={() => store.run(null, { only: node.key })} disabled={busy} title="Run this node alone, on what the nodes before it put out last, or on what is pinned there" data-testid="run-only"><Play size={13} /> Run node</button>
      <button onClick={() => runUpTo(store, node.key)} disabled={busy} title="Run the draft from its trigger up to this node" data-testid="run-until"><ArrowRightToLine size={13} /> Up to here</button>
      <button onClick={onPin} aria-label="Write a pinned output" title="Write an output by hand, to be used in test runs instead of running the node" data-testid="pin-write"><Pin size={13} /></button>
    </span>
  );
}

function Settings({ node, type, look, data }) {
  const store = useEditor();
  const incoming = useStore((state) => linksTo(state.graph, node.key).length);
  const wide = useStore((state) => state.wide);
  const problems = useTold(node, type);
  const [tab, setTab] = useState("configure");
  const [pinning, setPinning] = useState(false);
  const configure = tab === "configure";
  const put = look.step?.status === "succeeded" && look.step.item === null ? look.found?.output : null;
  return (
    <>
      <div className="ed-tabs">
        <div className="ed-tab-list" role="tablist">
          <button role="tab" aria-selected={configure} onClick={() => setTab("configure")} data-testid="tab-configure">Configure</button>
          <button role="tab" aria-selected={!configure} onClick={() => setTab("policies")} data-testid="tab-policies">Policies</button>
        </div>
        <NodeActions node={node} type={type} onPin={() => setPinning(true)} />
      </div>
      <div className="ed-panel-body" key={node.key}>
        <PinBanner node={node} output={put} asked={pinning} onAsked={setPinning} />
        {(type || !configure) && <OtherProblems problems={problems} type={type} />}
        {configure && !type && <Vanished node={node} />}
        {configure && node.type === "trigger.webhook" && <WebhookAddress node={node} />}
        {configure && node.type === "trigger.schedule" && <><Often key={node.key} node={node} /><NextTimes node={node} /></>}
        {configure && type && (
          <NodeContext.Provider value={node.key}><Form type={type} config={node.config} change={(name, value) => store.configure(node.key, name, value)} problems={problems} /></NodeContext.Provider>
        )}
        {configure && type && <p className="ed-about">{marked(type.description)}</p>}
        {!configure && <NodeContext.Provider value={node.key}><Policies node={node} type={type} incoming={incoming} /></NodeContext.Provider>}
        <Completion nodeKey={node.key} />
      </div>
      {type?.inputs.length > 0 && !wide && <DataTree key={`data/${node.key}`} nodeKey={node.key} fold={data} />}
    </>
  );
}

function NodePanel({ nodeKey }) {
  const store = useEditor();
  const node = useStore((state) => nodeOf(state.graph, nodeKey));
  const type = useStore((state) => state.catalogue[node?.type]);
  const wide = useStore((state) => state.wide);
  const look = useLook(nodeKey);
  const sheet = useSheet();
  const results = useFold("results", sheet, !sheet);
  // The form has the room: the data that it can use is folded away by what a run has shown, until somebody wants both.
  const data = useFold("data", sheet, !sheet && !(look.run && look.status && results.open));
  if (!node) return null;
  const draft = store.state.doc.mode === "edit";
  const settings = !store.readOnly ? <Settings node={node} type={type} look={look} data={sheet ? insteadOf(results, data) : data} /> : draft && <div className="ed-panel-body"><RanWith nodeKey={nodeKey} /></div>;
  return (
    <>
      <NodeHead node={node} type={type} />
      <div className={wide ? "ed-wide-columns" : "ed-one-column"}>
        {wide && <InputSide nodeKey={nodeKey} look={look} />}
        {settings && <div className="ed-settings">{settings}</div>}
        <Results nodeKey={nodeKey} look={look} whole={store.readOnly} beside={wide} fold={store.readOnly || wide ? null : sheet ? insteadOf(data, results) : results} />
      </div>
    </>
  );
}

function ProblemsPanel() {
  const store = useEditor();
  const problems = useStore((state) => state.problems);
  const graph = useStore((state) => state.graph);
  const refused = useStore((state) => state.refused);
  const says = (problem) => {
    const node = nodeOf(graph, problem.node);
    return told(problem, node, store.state.catalogue[node?.type], refused);
  };
  const name = (key) => nameOf({ graph, catalogue: store.state.catalogue }, key);
  return (
    <>
      <PanelHead title="What publish refuses" onClose={() => store.closePanel()} />
      <div className="ed-panel-body" data-testid="problems">
        {!problems.length && <p className="ed-hint">Nothing: this draft can be published.</p>}
        {problems.map(says).map((problem, index) => (
          <button key={index} className={problem.calm ? "ed-problem-row is-calm" : "ed-problem-row"} onClick={() => problem.node && store.reveal(problem.node)} disabled={!problem.node}>
            <CircleAlert size={15} aria-hidden="true" />
            <span><b>{problem.node ? name(problem.node) : "Workflow"}</b><br />{problem.message}</span>
          </button>
        ))}
      </div>
    </>
  );
}

export function Panel() {
  const store = useEditor();
  const panel = useStore((state) => state.panel);
  const [width, setWidth] = usePanelWidth();
  const aside = useRef(null);
  const wide = useStore((state) => state.wide && state.panel?.kind === "node");
  const shown = panel && `${panel.kind}/${panel.key}`;
  // The panel of a card at the right opens under the second click of a double one.
  const again = () => store.justOpened && store.set({ wide: true });
  useEffect(() => {
    if (document.activeElement !== document.body) return;
    // Opened by a key from something that is gone now: the next Tab goes on in here. Closed, it goes on from the card that it was about.
    const [card, another] = store.state.selection;
    const goesOn = shown ? aside.current : another ? null : document.querySelector(`.react-flow__node[data-id="${card}"]`);
    goesOn?.focus({ preventScroll: true });
  }, [store, shown]);
  if (!panel) return null;
  return (
    <aside className={wide ? "ed-panel is-wide" : "ed-panel"} data-testid="panel" aria-label="Side panel" style={{ "--ed-panel-width": `${width}px` }} ref={aside} tabIndex={-1} onDoubleClick={again}>
      {!wide && <WidthHandle width={width} change={setWidth} />}
      {panel.kind === "outline" && <OutlinePanel />}
      {panel.kind === "node" && <NodePanel nodeKey={panel.key} />}
      {panel.kind === "versions" && <VersionsPanel />}
      {panel.kind === "settings" && <SettingsPanel />}
      {panel.kind === "runs" && <RunsPanel />}
      {panel.kind === "problems" && <ProblemsPanel />}
    </aside>
  );
}
