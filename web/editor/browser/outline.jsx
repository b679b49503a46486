// The graph as a list, for the keyboard and for screen readers: what each node is, how it stands, where it leads; and connecting.

import React, { useEffect, useMemo, useRef, useState } from "react";
import { Plug, X } from "lucide-react";
import { CHANGED, useChangedSince } from "./changed_since.jsx";
import { linksFrom, nodeOf, portsOf, refusal } from "./graph.js";
import { TypeTile } from "./icons.jsx";
import { STATUS, useTold } from "./node_card.jsx";
import { titleOf } from "./naming.js";
import { isNote, textOf } from "./notes.js";
import { ordered } from "./outline.js";
import { PanelHead } from "./panel_head.jsx";
import { useStatus } from "./status.js";
import { useEditor, useStore } from "./store.js";
import { summary } from "./summary.js";

/** Chooses what a node leads to. Made only for the row where it is asked for: every other node is a choice. */
function Connect({ node, onDone }) {
  const store = useEditor();
  const { graph, catalogue } = store.state;
  const ports = portsOf(catalogue[node.type], node);
  const box = useRef(null);
  useEffect(() => void box.current?.focus(), []);
  const choices = ports.flatMap((port) =>
    ordered(graph)
      .filter((other) => !refusal(graph, { source: node.key, source_port: port, target: other.key }, catalogue))
      .map((other) => ({ value: `${port}\n${other.key}`, text: `${ports.length > 1 ? `${port} → ` : ""}${titleOf(other, catalogue)} (${other.key})` })));
  const pick = (event) => {
    const [port, target] = event.target.value.split("\n");
    onDone();
    store.connect({ source: node.key, source_port: port, target });
  };
  if (!choices.length) return <p className="ed-hint" role="status">There is nothing it could lead to.</p>;
  return (
    <select ref={box} className="ed-input" value="" onChange={pick} onBlur={onDone} aria-label={`Connect ${titleOf(node, catalogue)} to`} data-testid={`connect-${node.key}`}>
      <option value="" disabled>Connect to …</option>
      {choices.map(({ value, text }) => <option key={value} value={value}>{text}</option>)}
    </select>
  );
}

function Row({ node, number }) {
  const store = useEditor();
  const catalogue = useStore((state) => state.catalogue);
  const links = useStore((state) => linksFrom(state.graph, node.key));
  const status = useStatus(node.key);
  const changed = useChangedSince(status && node);
  const [connecting, setConnecting] = useState(false);
  const again = useRef(null);
  const type = catalogue[node.type];
  const problems = useTold(node, type);
  const name = titleOf(node, catalogue);
  const facts = [type?.title !== name && (type?.title ?? node.type), node.disabled ? "Off" : summary(type, node, store.state.workflows), status && (changed ? CHANGED : STATUS[status.status]?.text)].filter(Boolean);
  const done = () => {
    setConnecting(false);
    setTimeout(() => again.current?.focus());
  };
  return (
    <li className="ed-outline-row" data-testid={`outline-${node.key}`}>
      <button className="ed-outline-open" onClick={() => store.reveal(node.key)}>
        <TypeTile type={type} small />
        <span className="ed-outline-text">
          <b><span className="ed-muted">{number}.</span> {name}</b>
          <span className="ed-muted">{facts.join(" · ")}</span>
          {problems.length > 0 && <span className={problems.every((problem) => problem.calm) ? "ed-problem is-calm" : "ed-problem"}>{problems.map((problem) => problem.message).join(" ")}</span>}
        </span>
      </button>
      <ul className="ed-outline-links" aria-label={`${name} leads to`}>
        {links.map((link) => {
          const target = titleOf(nodeOf(store.state.graph, link.target), catalogue);
          return (
            <li key={`${link.source_port}/${link.target}`}>
              <span className="ed-muted">{link.source_port === "main" ? "→" : `${link.source_port} →`} {target}</span>
              {!store.readOnly && <button className="ed-plain-icon is-tiny" onClick={() => store.remove([], [link])} aria-label={`Remove the connection from ${name} to ${target}`}><X size={12} /></button>}
            </li>
          );
        })}
      </ul>
      {!store.readOnly && !connecting && <button ref={again} className="ed-add" onClick={() => setConnecting(true)} aria-label={`Connect ${name} to …`}><Plug size={13} aria-hidden="true" /> Connect to …</button>}
      {connecting && <Connect node={node} onDone={done} />}
    </li>
  );
}

function NoteRow({ note }) {
  const store = useEditor();
  const type = useStore((state) => state.catalogue[note.type]);
  return (
    <li className="ed-outline-row" data-testid={`outline-${note.key}`}>
      <button className="ed-outline-open" onClick={() => store.reveal(note.key)}>
        <TypeTile type={type} small />
        <span className="ed-outline-text"><b>Note</b><span className="ed-outline-note">{textOf(note) || "Empty"}</span></span>
      </button>
    </li>
  );
}

export function OutlinePanel() {
  const store = useEditor();
  const graph = useStore((state) => state.graph);
  const [nodes, notes] = useMemo(() => [ordered(graph).filter((node) => !isNote(node)), graph.nodes.filter(isNote)], [graph]);
  const list = useRef(null);
  useEffect(() => void list.current?.querySelector("button")?.focus(), []);
  const keys = (event) => {
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    const rows = [...list.current.querySelectorAll(".ed-outline-open")];
    const at = rows.findIndex((row) => row.parentElement.contains(document.activeElement));
    if (at < 0 || event.target.closest("select")) return;
    event.preventDefault();
    event.stopPropagation();
    rows[Math.max(0, Math.min(rows.length - 1, at + (event.key === "ArrowDown" ? 1 : -1)))].focus();
  };
  return (
    <>
      <PanelHead title="Outline" onClose={() => store.closePanel()} />
      <div className="ed-panel-body is-list" data-testid="outline">
        {!nodes.length && <p className="ed-hint ed-pad">No nodes yet. Press / to add one.</p>}
        <ol className="ed-outline" ref={list} onKeyDown={keys} aria-label="Nodes, each after what leads to it, then notes">
          {nodes.map((node, index) => <Row key={node.key} node={node} number={index + 1} />)}
          {notes.map((note) => <NoteRow key={note.key} note={note} />)}
        </ol>
      </div>
    </>
  );
}
