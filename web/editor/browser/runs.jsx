// The recent runs of this workflow, each a link to its own page; and a run with an input that somebody types.

import React, { useEffect, useState } from "react";
import { Button, Dialog, Flex } from "@radix-ui/themes";
import { CirclePause, ExternalLink, OctagonAlert, Play } from "lucide-react";
import { JsonBox } from "./controls.jsx";
import { SavedInputs } from "./saved_inputs.jsx";
import { PanelHead } from "./panel_head.jsx";
import { useRun } from "./status.js";
import { useEditor, useStore } from "./store.js";
import { ago, duration } from "./summary.js";
import { nextText, readInput, remember } from "./trial.js";

export const RUN_STATUS = { queued: "Queued", running: "Running", waiting: "Waiting", paused: "Paused", succeeded: "Succeeded", failed: "Failed", cancelled: "Cancelled", quarantined: "Quarantined" };
export const RUN_LOOK = { paused: { icon: CirclePause }, quarantined: { icon: OctagonAlert } };
const STARTED_BY = { manual: "by hand", webhook: "webhook", schedule: "schedule", event: "event", error: "failed workflow", workflow: "other workflow" };

/** What started a run, as the list of executions calls it. */
export const startedBy = (trigger) => STARTED_BY[trigger?.kind] ?? trigger?.kind ?? STARTED_BY.manual;
const took = (run) => (run.started_at && run.finished_at ? duration(Date.parse(run.finished_at) - Date.parse(run.started_at)) : "");

export function RunsPanel() {
  const store = useEditor();
  const runs = useStore((state) => state.runs);
  const shown = useRun();
  useEffect(() => void store.emit.runs(), [store, shown?.execution_id, shown?.status]);
  return (
    <>
      <PanelHead title="Recent runs" onClose={() => store.closePanel()} />
      <div className="ed-panel-body is-list" data-testid="runs">
        {runs && !runs.length && <p className="ed-hint">None yet. Press Run, or call the workflow's trigger.</p>}
        {!runs && <p className="ed-hint">Loading …</p>}
        {(runs ?? []).map((run) => (
          <a key={run.id} className="ed-run-row" href={`/executions/${run.id}`}>
            <span className={`ed-chip-status is-${run.status}`}>{RUN_STATUS[run.status] ?? run.status}</span>
            <span className="ed-run-when" title={new Date(run.created_at).toLocaleString()}>{ago(run.created_at)}</span>
            <span className="ed-muted">{startedBy(run.trigger)}{run.version ? ` · v${run.version}` : " · draft"}</span>
            <span className="ed-muted ed-run-took">{took(run)}</span>
          </a>
        ))}
        <a className="ed-add" href={`/executions?workflow=${store.state.doc?.id}`}><ExternalLink size={13} /> All runs of this workflow</a>
      </div>
    </>
  );
}

export function RunDialog() {
  const store = useEditor();
  const open = useStore((state) => state.sheet === "run");
  const id = useStore((state) => state.doc?.id);
  const [text, setText] = useState("");
  useEffect(() => void (open && setText(nextText(store.state) || '{\n  "name": "Ada",\n  "score": 91\n}')), [open, id]);
  const { input, wrong } = readInput(text);
  const close = () => store.set({ sheet: null });
  const start = () => {
    remember(id, text);
    close();
    store.run(input);
  };
  return (
    <Dialog.Root open={open} onOpenChange={(now) => !now && close()}>
      <Dialog.Content maxWidth="520px">
        <Dialog.Title size="4">Run with input</Dialog.Title>
        <Dialog.Description size="2" color="gray">The draft runs as it is now. This JSON is what expressions see as payload.</Dialog.Description>
        <div className="ed-dialog-field">
          <JsonBox value={text} onChange={setText} rows={8} most={20} aria-label="Input" data-testid="run-input" />
          {wrong && <p className="ed-problem">Not valid JSON: {wrong}</p>}
          {open && <SavedInputs input={input} wrong={wrong} take={setText} />}
        </div>
        <Flex justify="end" gap="2">
          <Button variant="soft" color="gray" onClick={close}>Cancel</Button>
          <Button disabled={Boolean(wrong)} onClick={start} data-testid="run-start"><Play size={15} /> Run</Button>
        </Flex>
      </Dialog.Content>
    </Dialog.Root>
  );
}
