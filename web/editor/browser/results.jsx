// What went into a node in the run that is shown, what came out, and why it failed where it did.

import React, { useEffect, useState } from "react";
import { CircleAlert, Download } from "lucide-react";
import { JsonView } from "./json_view.jsx";
import { STATUS } from "./node_card.jsx";
import { useRun, useStatus } from "./status.js";
import { useEditor, useStore } from "./store.js";
import { duration } from "./summary.js";
import { Waiting } from "./waiting.jsx";

const ENDED = new Set(["succeeded", "failed", "cancelled", "waiting"]);

/** The step's attempts, asked for when the node is looked at and again when it has got further. */
function useSteps(key, run, status) {
  const store = useEditor();
  const found = useStore((state) => state.steps[`${run?.execution_id}/${key}`]);
  const wanted = run?.execution_id && status && status.status !== "pending" ? `${run.execution_id}/${key}/${status.status}/${status.attempt ?? 1}` : null;
  useEffect(() => {
    if (wanted) store.emit.step(run.execution_id, key);
  }, [wanted, run?.execution_id, key, store]);
  return found;
}

function Failure({ error }) {
  return (
    <div className="ed-failure" data-testid="step-error">
      <div className="ed-failure-head"><CircleAlert size={15} aria-hidden="true" /> {error.type || "Error"}</div>
      <p>{error.message}</p>
      {error.hint && <p className="ed-failure-hint">{error.hint}</p>}
    </div>
  );
}

const NO_OUTPUT = {
  failed: "It failed, so there is no output.",
  running: "It is still running.",
  waiting: "It is waiting. The output comes when it goes on.",
  skipped: "It was skipped, so there is no output.",
};

const bytes = (size) => (size < 1e6 ? `${Math.round(size / 1000)} KB` : `${(size / 1e6).toFixed(1)} MB`);

/** What of a value is too large to be shown beside the rest. */
function Files({ files, executionId }) {
  return (
    <ul className="ed-files">
      {files.map((file) => (
        <li key={file.pointer}>
          <a href={`/values/${executionId}/${file.id}`} download data-testid="step-file"><Download size={13} aria-hidden="true" /> {file.pointer ? file.pointer.slice(1).replaceAll("/", ".") : "The whole value"}</a>
          <span className="ed-muted">{file.media_type} · {bytes(file.size)}</span>
        </li>
      ))}
    </ul>
  );
}

function Part({ name, step, executionId }) {
  if (name === "error") return step.error ? <Failure error={step.error} /> : <p className="ed-hint" data-testid="step-error">No error.</p>;
  if (step.cut?.[name]) return <p className="ed-hint" data-testid={`step-${name}`}>{step.cut[name]}</p>;
  const why = name === "output" && step.output === null && NO_OUTPUT[step.error ? "failed" : step.status];
  const files = step.files?.[name] ?? [];
  const all = files.some((file) => file.pointer === "");
  if (files.length) return <div data-testid={`step-${name}`}>{!all && <JsonView value={step[name]} />}<Files files={files} executionId={executionId} /></div>;
  return <div data-testid={`step-${name}`}>{why ? <p className="ed-hint">{why}</p> : <JsonView value={step[name]} />}</div>;
}

function Tabs({ part, onPick, failed }) {
  const parts = [["input", "Input"], ["output", "Output"], ["error", "Error"]];
  return (
    <div className="ed-tabs is-small" role="tablist">
      {parts.map(([name, label]) => (
        <button key={name} role="tab" aria-selected={part === name} onClick={() => onPick(name)} data-testid={`step-tab-${name}`}>
          {label}{name === "error" && failed && <span className="ed-dot" />}
        </button>
      ))}
    </div>
  );
}

/** `whole`: the panel is all there is (a past execution), so input and output stand one below the other. */
export function Results({ nodeKey, whole = false }) {
  const run = useRun();
  const status = useStatus(nodeKey);
  const steps = useSteps(nodeKey, run, status);
  const [picked, setPicked] = useState(null);
  const [chosen, setChosen] = useState(null);
  useEffect(() => {
    setPicked(null);
    setChosen(null);
  }, [nodeKey, run?.execution_id]);
  if (!run || !status) return whole ? <p className="ed-hint ed-pad">This node did not run.</p> : null;
  const step = steps?.[chosen ?? steps.length - 1];
  const failed = Boolean(step?.error);
  const part = picked ?? (failed ? "error" : "output");
  const look = STATUS[status.status];
  return (
    <section className={whole ? "ed-results is-whole" : "ed-results"} aria-label="Last run" data-testid="step-results">
      <header className="ed-results-head">
        <span className={`ed-chip-status is-${status.status}`}><look.icon size={12} strokeWidth={2.5} /> {look.text}</span>
        {status.ms != null && status.status !== "skipped" && <span className="ed-muted">{duration(status.ms)}</span>}
        {steps?.length > 1 && (
          <select className="ed-input ed-attempts" value={chosen ?? steps.length - 1} onChange={(event) => setChosen(Number(event.target.value))} aria-label="Attempt">
            {steps.map((one, index) => <option key={index} value={index}>{one.item == null ? `Attempt ${one.attempt}` : `Item ${one.item}, attempt ${one.attempt}`} · {one.status}</option>)}
          </select>
        )}
        {!whole && <Tabs part={part} onPick={setPicked} failed={failed} />}
      </header>
      <div className="ed-results-body">
        {!step && <p className="ed-hint">{status.status === "skipped" ? "Skipped: no branch led here." : ENDED.has(status.status) ? "Loading …" : `${look.text} …`}</p>}
        {step?.status === "waiting" && <Waiting step={step} />}
        {step && !whole && <Part name={part} step={step} executionId={run.execution_id} />}
        {step && whole && (
          <>
            {failed && <Part name="error" step={step} executionId={run.execution_id} />}
            <h4>Output</h4><Part name="output" step={step} executionId={run.execution_id} />
            <h4>Input</h4><Part name="input" step={step} executionId={run.execution_id} />
          </>
        )}
      </div>
    </section>
  );
}
