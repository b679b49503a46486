// What went into a node in the run that is shown, what came out, and why it failed where it did: of each attempt, and of each item.

import React, { useEffect, useMemo, useState } from "react";
import { Pin } from "lucide-react";
import { useChangedSince } from "./changed_since.jsx";
import { Differences, useErrorsApart } from "./compare_runs.jsx";
import { Failure } from "./failure.jsx";
import { FoldButton } from "./fold.jsx";
import { Items } from "./items.jsx";
import { STATUS } from "./node_card.jsx";
import { pinnable } from "./pin.jsx";
import { nodeOf } from "./graph.js";
import { itemOfOutput, itemsOf, itemsOfOutput } from "./rows.js";
import { Calls, RanWith } from "./step_facts.jsx";
import { Log, useLogFollowed } from "./step_log.jsx";
import { useRun, useStatus } from "./status.js";
import { useEditor, useStore } from "./store.js";
import { duration } from "./summary.js";
import { ValueView } from "./value_view.jsx";
import { Waiting } from "./waiting.jsx";

const UNDER_WAY = new Set(["queued", "running", "waiting", "paused"]);
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

/** The values of one attempt, asked for when it is looked at and again when it has got further. */
function useValues(executionId, step) {
  const store = useEditor();
  const found = useStore((state) => state.values[step?.id]);
  const wanted = step && step.status !== "skipped" ? `${step.id}/${step.status}` : null;
  useEffect(() => {
    if (wanted && found?.status !== step.status) store.emit.values({ steps: [[executionId, step.id]] });
  }, [wanted, executionId, store]);
  return found;
}

const NO_OUTPUT = {
  failed: "It failed, so there is no output.",
  running: "It is still running.",
  waiting: "It is waiting. The output comes when it goes on.",
  skipped: "It was skipped, so there is no output.",
  cancelled: "It was cancelled, so there is no output.",
};

function PinButton({ nodeKey, step, found }) {
  const store = useEditor();
  if (store.readOnly || step.item !== null) return null;
  const why = pinnable(step, found);
  const pin = () => (why ? store.notify(why, "warning") : store.pin(nodeKey, found.output.value));
  return <button className="ed-plain-icon" onClick={pin} aria-label="Pin this output" title="Pin this output: test runs use it instead of running the node" data-testid="pin-output"><Pin size={14} /></button>;
}

/** Where the input of a step stands in an expression: an item of a for-each is `item` there. */
const rootOf = (step) => (step.item === null ? ["input"] : ["item"]);

export function Part({ name, nodeKey, step, found }) {
  const store = useEditor();
  if (name === "error") return step.error ? <Failure error={step.error} testid="step-error" /> : <p className="ed-hint" data-testid="step-error">No error.</p>;
  if (!found) return <p className="ed-hint">{step.status === "skipped" ? NO_OUTPUT.skipped : "Loading …"}</p>;
  if (!found[name]) return <p className="ed-hint">The input of a single item is not kept here: the node has no effects, so all its items are one step.</p>;
  const nothing = name === "output" && found.output.value === null && !found.output.files.length && NO_OUTPUT[step.error ? "failed" : step.status];
  if (nothing) return <div data-testid={`step-${name}`}><p className="ed-hint">{nothing}</p></div>;
  return <ValueView key={`${found.step}/${name}`} found={found} part={name} root={name === "input" && !store.readOnly ? rootOf(step) : null}>{name === "output" && <PinButton nodeKey={nodeKey} step={step} found={found} />}</ValueView>;
}

const PARTS = [["input", "Input"], ["output", "Output"], ["error", "Error"]];

/** `part` null: none is shown. */
function Tabs({ part, onPick, failed, without }) {
  return (
    <div className="ed-tabs is-small" role="tablist">
      {PARTS.filter(([name]) => name !== without).map(([name, label]) => (
        <button key={name} role="tab" aria-selected={part === name} onClick={() => onPick(name)} data-testid={`step-tab-${name}`}>
          {label}{name === "error" && failed && <span className="ed-dot" />}
        </button>
      ))}
    </div>
  );
}

function Attempts({ steps, step, onPick }) {
  if (steps.length < 2) return null;
  return (
    <select className="ed-input ed-attempts" value={step.id} onChange={(event) => onPick(event.target.value)} aria-label="Attempt" data-testid="attempts">
      {steps.map((one) => <option key={one.id} value={one.id}>Attempt {one.attempt} · {one.status}</option>)}
    </select>
  );
}

const NONE = [];
const NEWEST = { item: null, chosen: null };

/** What is looked at of a node in the run that is shown: its attempts, its items, and the one whose values are wanted. */
export function useLook(nodeKey) {
  const store = useEditor();
  const run = useRun();
  const status = useStatus(nodeKey);
  const told = useSteps(nodeKey, run, status);
  useLogFollowed(run, nodeKey, status);
  const of = `${run?.execution_id}/${nodeKey}`;
  const { item, chosen } = useStore((state) => (state.look?.of === of ? state.look : NEWEST));
  const log = useStore((state) => state.logs[of]);
  const forEach = useStore((state) => Boolean(nodeOf(state.graph, nodeKey)?.for_each));
  const steps = told?.steps ?? NONE;
  const recorded = useMemo(() => itemsOf(steps), [steps]);
  const own = steps.filter((one) => one.item === (recorded.list.length ? item : null));
  const last = own.find((one) => one.id === chosen) ?? own.at(-1);
  const values = useValues(run?.execution_id, last);
  // Items of a pure for-each are no steps: what became of them stands in its output.
  const output = forEach && !recorded.list.length && Array.isArray(values?.output.value) ? values.output.value : null;
  const items = useMemo(() => (output ? itemsOfOutput(output) : recorded), [output, recorded]);
  const { step, found } = output && item !== null && last ? itemOfOutput(last, values, item) : { step: last, found: values };
  const pick = (next) => store.set({ look: { of, item: next, chosen: null } });
  const choose = (id) => store.set({ look: { of, item, chosen: id } });
  return { of, run, status, log, more: told?.more || Boolean(output && values.output.cuts[""]), items, own, step, found, item, pick, choose };
}

/** `whole`: the panel is all there is (a past execution), so input and output stand one below the other. `beside`: the input has a column of its own.
 * `fold`: they fold to their heading (fold.jsx). */
export function Results({ nodeKey, look, whole = false, beside = false, fold = null }) {
  const { of, run, status, items, own, step, found, item } = look;
  const [picked, setPicked] = useState(null);
  useEffect(() => void setPicked(null), [of]);
  const past = useStore((state) => state.doc?.mode !== "edit");
  const node = useStore((state) => nodeOf(state.graph, nodeKey));
  const changed = useChangedSince(node);
  const apart = useErrorsApart(nodeKey);
  const ended = run && !UNDER_WAY.has(run.status);
  if (whole && !past && (!run || !status)) return null;
  if (!run || !status) {
    if (whole) return <><p className="ed-hint ed-pad">{ended ? "This node did not run." : "This node has not run yet."}</p><Differences nodeKey={nodeKey} /></>;
    return beside ? <section className="ed-results is-beside" aria-label="Output"><header className="ed-results-head"><h4>Output</h4></header><p className="ed-hint ed-pad">Nothing yet. Run the node, or the draft up to here.</p></section> : null;
  }
  const failed = Boolean(step?.error);
  const part = picked && !(beside && picked === "input") ? picked : failed ? "error" : "output";
  const mark = STATUS[status.status];
  const folded = fold && !fold.open;
  const pick = (name) => {
    setPicked(name);
    if (folded) fold.put(true);
  };
  const parts = whole ? [...(failed && !apart ? ["error"] : []), "output", ...(beside ? [] : ["input"])] : [part];
  return (
    <section className={`ed-results${whole ? " is-whole" : ""}${beside ? " is-beside" : ""}${folded ? " is-folded" : ""}`} aria-label="Last run" data-testid="step-results">
      <header className="ed-results-head">
        <span className={`ed-chip-status is-${status.status}`}><mark.icon size={12} strokeWidth={2.5} /> {mark.text}</span>
        {status.ms != null && status.status !== "skipped" && <span className="ed-muted">{duration(status.ms)}</span>}
        {step && !folded && <Attempts steps={own} step={step} onPick={look.choose} />}
        {!whole && (
          <span className="ed-results-ways">
            <Tabs part={folded ? null : part} onPick={pick} failed={failed} without={beside ? "input" : null} />
            {fold && <FoldButton fold={fold} what="what the run showed" testid="results-fold" />}
          </span>
        )}
      </header>
      {!folded && <div className="ed-results-body">
        {whole && <Differences nodeKey={nodeKey} />}
        {changed && <p className="ed-hint" data-testid="changed-since">The node was changed since this run. Run it again to see what it does now.</p>}
        {!step && !items.list.length && <p className="ed-hint">{status.status === "skipped" ? "Skipped: no branch led here." : ENDED.has(status.status) ? "Loading …" : `${mark.text} …`}</p>}
        {items.list.length > 0 && <Items items={items} more={look.more} chosen={item} pick={look.pick} />}
        {step?.status === "waiting" && <Waiting step={step} />}
        {step?.calls?.length > 0 && <Calls ids={step.calls} />}
        {step && parts.map((name) => (
          <React.Fragment key={name}>
            {whole && name !== "error" && <h4>{name === "output" ? "Output" : "Input"}</h4>}
            <Part name={name} nodeKey={nodeKey} step={step} found={found} />
          </React.Fragment>
        ))}
        {look.log?.pages?.[0].length > 0 && <Log log={look.log} />}
        {whole && past && <RanWith nodeKey={nodeKey} />}
      </div>}
    </section>
  );
}
