// Which run the cards of a draft show: how it went, when, the way to it, and the way to have them plain again.

import React, { useEffect, useState } from "react";
import { X } from "lucide-react";
import { STATUS } from "./node_card.jsx";
import { RUN_STATUS } from "./runs.jsx";
import { statuses, useRun, useRunId } from "./status.js";
import { useEditor, useStore } from "./store.js";
import { ago } from "./summary.js";

const AGO_MS = 30_000;
const UNDER_WAY = ["queued", "running"];
const HURRIED_MS = 400;
const memory = (id) => `trestle.cleared.${id}`;

/** The run whose colours somebody has cleared from this draft, in this browser. */
export const clearedRun = (id) => localStorage.getItem(memory(id));

/** Has the cards plain again, until another run is shown. */
export function clearRun(store) {
  const run = statuses.run?.execution_id;
  if (!run) return;
  localStorage.setItem(memory(store.state.doc.id), run);
  statuses.dismiss(run);
}

/** Whether the colours may be cleared now. */
export const clearable = (store) => store.state.doc?.mode === "edit" && Boolean(statuses.run) && !UNDER_WAY.includes(statuses.run.status);

/** Asks what of the draft was otherwise in the run that is shown. Where runs follow each other quickly, only about one that stays. */
export function useSeenByRun() {
  const store = useEditor();
  const load = useStore((state) => (state.doc?.mode === "edit" ? state.doc.load : null));
  const id = useRunId();
  useEffect(() => {
    if (!load || !id) return undefined;
    const timer = setTimeout(() => store.askRan(id), store.state.ran ? HURRIED_MS : 0);
    return () => clearTimeout(timer);
  }, [store, load, id]);
}

/** Draws again from time to time: “2 min ago” goes on. */
function useTick() {
  const [, tick] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => tick((count) => count + 1), AGO_MS);
    return () => clearInterval(timer);
  }, []);
}

/** On the stage, beside the tools. */
export function ShownRun() {
  const store = useEditor();
  const run = useRun();
  const version = useStore((state) => (state.ran && state.ran.execution_id === run?.execution_id ? state.ran.version ?? 0 : null));
  useTick();
  if (!run?.execution_id) return null;
  const look = STATUS[run.status] ?? STATUS.pending;
  const at = run.finished_at ?? run.started_at;
  const failures = run.status !== "failed" && run.failed_steps > 0 ? `${run.failed_steps} failed` : "";
  const facts = [failures, version === null ? "" : version ? `v${version}` : "draft", at && ago(at)].filter(Boolean).join(" · ");
  return (
    <div className="ed-shown-run" role="group" aria-label="The run that is shown" data-testid="shown-run">
      <a href={`/executions/${run.execution_id}`} title={`Open this run${at ? `, of ${new Date(at).toLocaleString()}` : ""}`}>
        <span className={`ed-chip-status is-${run.status}`}><look.icon size={12} strokeWidth={2.5} aria-hidden="true" /> {RUN_STATUS[run.status] ?? run.status}</span>
        <span className="ed-muted">{facts}</span>
      </a>
      {!UNDER_WAY.includes(run.status) && <button className="ed-plain-icon" onClick={() => clearRun(store)} aria-label="Clear the run from the canvas" title="Clear the run from the canvas" data-testid="shown-run-clear"><X size={14} /></button>}
    </div>
  );
}
