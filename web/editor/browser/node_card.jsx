// One node on the canvas: what it is, what it is set to do, and how it did in the run that is shown.

import React, { memo, useEffect, useMemo, useRef } from "react";
import { Handle, Position, useUpdateNodeInternals } from "@xyflow/react";
import { Tooltip } from "@radix-ui/themes";
import { Check, CircleAlert, CircleDashed, Ban, Hourglass, LoaderCircle, Pin, Plus, RotateCw, StickyNote, X } from "lucide-react";
import { ChangedMark, useChangedSince } from "./changed_since.jsx";
import { ComparedMark } from "./compare_runs.jsx";
import { linksFrom, portsOf } from "./graph.js";
import { TypeTile } from "./icons.jsx";
import { told } from "./marking.js";
import { useStatus } from "./status.js";
import { useEditor, useStore } from "./store.js";
import { duration, summary, waitText } from "./summary.js";

export const STATUS = {
  pending: { icon: CircleDashed, text: "Waits for its turn" },
  running: { icon: LoaderCircle, text: "Running" },
  waiting: { icon: Hourglass, text: "Waiting" },
  succeeded: { icon: Check, text: "Succeeded" },
  failed: { icon: X, text: "Failed" },
  skipped: { icon: Ban, text: "Skipped" },
  cancelled: { icon: Ban, text: "Cancelled" },
};

const EMPTY = [];
const sameProblems = (a, b) => a === b || (a.length === b.length && a.every((problem, index) => problem.message === b[index].message));
const sorted = new WeakMap();

/** The problems of one node. They are sorted once for all cards: each of hundreds asks at every change. */
export const useProblems = (key) =>
  useStore(({ problems }) => {
    if (!sorted.has(problems)) sorted.set(problems, Map.groupBy(problems, (problem) => problem.node));
    return sorted.get(problems).get(key) ?? EMPTY;
  }, sameProblems);

/** The same, as they are told to people. */
export function useTold(node, type) {
  const problems = useProblems(node?.key);
  const refused = useStore((state) => state.refused);
  return useMemo(() => (node ? problems.map((problem) => told(problem, node, type, refused)) : EMPTY), [problems, node, type, refused]);
}

function StatusMark({ status }) {
  const look = STATUS[status.status];
  if (!look) return null;
  const Mark = look.icon;
  const ran = status.status !== "skipped" && status.status !== "cancelled";
  const detail = [ran && duration(status.ms), status.items != null && `${status.items} item${status.items === 1 ? "" : "s"}`].filter(Boolean).join(" · ");
  return (
    <div className={`ed-status is-${status.status}`} title={look.text}>
      <Mark size={12} strokeWidth={2.5} aria-hidden="true" />
      <span className="ed-status-text">{status.status === "waiting" ? waitText(status) : detail || look.text}</span>
      {status.failed_items > 0 && <span className="ed-items-passed" title="These items failed; the others went on"><CircleAlert size={11} strokeWidth={2.5} aria-hidden="true" /> {status.failed_items} failed</span>}
      {status.attempt > 1 && (
        <span className="ed-attempt" title={`Attempt ${status.attempt}`}>
          <RotateCw size={10} aria-hidden="true" /> {status.attempt}
        </span>
      )}
    </div>
  );
}

function Port({ nodeKey, port, top, labelled, connected }) {
  const store = useEditor();
  const addNext = (event) => {
    event.stopPropagation();
    const box = event.currentTarget.getBoundingClientRect();
    store.set({ quick: { x: box.right + 8, y: box.top, from: { key: nodeKey, port } } });
  };
  return (
    <>
      <Handle type="source" position={Position.Right} id={port} style={{ top }} className={port === "error" ? "ed-port-error" : ""} />
      <div className="ed-port-tail" style={{ top }}>
        {labelled && <span className={`ed-port-label${connected ? " is-above" : ""}`}>{port}</span>}
        {!connected && !store.readOnly && (
          <button className="ed-port-add nodrag" onClick={addNext} aria-label={`Add a node after ${nodeKey}, port ${port}`} title="Add a node after this one" tabIndex={-1}>
            <Plus size={11} strokeWidth={2.5} />
          </button>
        )}
      </div>
    </>
  );
}

const sameLinks = (a, b) => a === b || (a.length === b.length && a.every((link, index) => link.source_port === b[index].source_port));

function Ports({ node, ports }) {
  const links = useStore((state) => linksFrom(state.graph, node.key), sameLinks);
  const taken = links.map((link) => link.source_port);
  const labelled = ports.length > 1 || ports[0] !== "main";
  return ports.map((port, index) => (
    <Port key={port} nodeKey={node.key} port={port} top={`${((index + 0.5) * 100) / ports.length}%`} labelled={labelled} connected={taken.includes(port)} />
  ));
}

/** React Flow measures the ports of a card once; where they change later, it has to be told. */
function useMeasuredPorts(id, layout) {
  const refresh = useUpdateNodeInternals();
  const measured = useRef(layout);
  useEffect(() => {
    if (measured.current === layout) return;
    measured.current = layout;
    refresh(id);
  }, [id, layout, refresh]);
}

export const NodeCard = memo(function NodeCard({ id, data, selected }) {
  const { node } = data;
  const type = useStore((state) => state.catalogue[node.type]);
  const status = useStatus(id);
  const problems = useTold(node, type);
  const workflows = useStore((state) => state.workflows);
  const mark = useStore((state) => state.marks[id]);
  const ports = portsOf(type, node);
  useMeasuredPorts(id, ports.join("\n"));

  const state = status?.status ?? "idle";
  const changed = useChangedSince(status && node);
  const height = Math.max(64, ports.length * 24 + 8);
  const reason = problems.map((problem) => problem.message).join(" ") || type?.broken || (type ? "" : `No executor offers “${node.type}”.`);
  const calm = problems.length > 0 && problems.every((problem) => problem.calm);
  const classes = ["ed-card", changed ? "is-changed" : `is-${state}`, selected && "is-selected", node.disabled && "is-disabled", reason && (calm ? "is-to-fill" : "is-wrong"), mark && `is-marked-${mark}`].filter(Boolean).join(" ");
  return (
    <div className={classes} data-testid={`node-${id}`} data-status={state} style={{ minHeight: height, "--ed-card-height": `${height}px` }}>
      {type?.inputs?.length !== 0 && <Handle type="target" position={Position.Left} id="in" />}
      <TypeTile type={type} />
      <div className="ed-card-text">
        <div className="ed-card-name">{node.name || type?.title || node.type}</div>
        <div className="ed-card-summary">{node.disabled ? "Off: passes its input on" : summary(type, node, workflows)}</div>
      </div>
      <Ports node={node} ports={ports} />
      {node.pinned != null && <span className="ed-card-pinned" title="Pinned: test runs use this output instead of running the node" aria-label="Pinned" data-testid={`pinned-${id}`}><Pin size={12} /></span>}
      <ComparedMark nodeKey={id} />
      {node.notes && <span className="ed-card-note" title={node.notes}><StickyNote size={12} /></span>}
      {reason && (
        <Tooltip content={reason}>
          <span className={calm ? "ed-card-wrong is-calm" : "ed-card-wrong"} role="img" data-testid={`problem-${id}`} aria-label={reason}><CircleAlert size={14} strokeWidth={2.25} /></span>
        </Tooltip>
      )}
      {status && (changed ? <ChangedMark /> : <StatusMark status={status} />)}
    </div>
  );
});
