// How a node is run: for each item, retries, time limit, what a failure means, when it starts. The same for every type of node.

import React from "react";
import { Amount, Row } from "./amount.jsx";
import { Select, TextBox, Toggle } from "./controls.jsx";
import { Preview } from "./preview.jsx";
import { useEditor } from "./store.js";

const ON_ERROR = [
  { value: "stop", label: "Stop the run" },
  { value: "continue", label: "Go on, with the error as output" },
  { value: "branch", label: "Go on from a port “error”" },
];
const JOIN = [
  { value: "any", label: "At least one branch has arrived" },
  { value: "all", label: "Every branch has arrived" },
];
const BACKOFF = [
  { value: "exponential", label: "Doubling each time" },
  { value: "fixed", label: "Always the same" },
];
const DEFAULTS = { max_attempts: 1, backoff: "exponential", delay_s: 1, max_delay_s: 60 };

function Retry({ node, set }) {
  const retry = { ...DEFAULTS, ...node.retry };
  const change = (name, value) => {
    const next = { ...retry, [name]: value ?? DEFAULTS[name] };
    set("retry", next.max_attempts > 1 ? next : null);
  };
  const again = retry.max_attempts > 1;
  return (
    <>
      <Row name="max_attempts" label="Attempts" help={again ? "" : "1: a failure is final at once."}>
        {(id) => <Amount id={id} value={retry.max_attempts} onChange={(value) => change("max_attempts", value)} least={1} most={100} whole />}
      </Row>
      {again && (
        <div className="ed-nested">
          <Row name="backoff" label="Wait between attempts">{(id) => <Select id={id} value={retry.backoff} onChange={(value) => change("backoff", value)} choices={BACKOFF} />}</Row>
          <Row name="delay_s" label="First wait (s)">{(id) => <Amount id={id} value={retry.delay_s} onChange={(value) => change("delay_s", value)} most={86_400} />}</Row>
          {retry.backoff === "exponential" && (
            <Row name="max_delay_s" label="Longest wait (s)">{(id) => <Amount id={id} value={retry.max_delay_s} onChange={(value) => change("max_delay_s", value)} most={604_800} />}</Row>
          )}
        </div>
      )}
    </>
  );
}

const EACH = { items: "{{ input }}", concurrency: 5, per_second: null };

/** Runs the node once for each item of a list; its output is then the list of results. */
function ForEach({ node, set }) {
  const each = node.for_each;
  const change = (name, value) => set("for_each", { ...EACH, ...each, [name]: value });
  const text = typeof each?.items === "string" ? each.items : JSON.stringify(each?.items ?? "");
  return (
    <>
      <Row name="for_each" label="Run for each item of a list" inline help={each ? "Expressions see `item` and `index`; the output is the list of results, in order." : ""}>
        {(id) => <Toggle id={id} label="Run for each item of a list" value={Boolean(each)} onChange={(on) => set("for_each", on ? EACH : null)} />}
      </Row>
      {each && (
        <div className="ed-nested">
          <Row name="items" label="Items" takes>
            {(id) => <TextBox id={id} rows={1} className="is-mono is-expression" value={text} onChange={(items) => change("items", items)} placeholder="{{ payload.orders }}" />}
          </Row>
          <Preview value={text} />
          <Row name="concurrency" label="At the same time">{(id) => <Amount id={id} value={each.concurrency} onChange={(value) => change("concurrency", value ?? EACH.concurrency)} least={1} most={1000} whole />}</Row>
          <Row name="per_second" label="At most per second">{(id) => <Amount id={id} value={each.per_second} onChange={(value) => change("per_second", value ?? null)} least={0.001} placeholder="no limit" />}</Row>
        </div>
      )}
    </>
  );
}

export function Policies({ node, type, incoming }) {
  const store = useEditor();
  const set = (name, value) => store.setField(node.key, name, value);
  const trigger = type?.inputs?.length === 0;
  return (
    <>
      {!trigger && <ForEach node={node} set={set} />}
      {!trigger && <Retry node={node} set={set} />}
      {!trigger && (
        <Row name="timeout_s" label="Time limit (s)" help="Of one attempt. Empty: only the workflow's own limit.">
          {(id) => <Amount id={id} value={node.timeout_s} onChange={(value) => set("timeout_s", value ?? null)} least={0.001} most={604_800} placeholder="none" />}
        </Row>
      )}
      {!trigger && (
        <Row name="on_error" label="When it fails">
          {(id) => <Select id={id} value={node.on_error} onChange={(value) => set("on_error", value ?? null)} choices={ON_ERROR} empty="As the workflow says" />}
        </Row>
      )}
      {!trigger && incoming > 1 && (
        <Row name="join" label="Starts when">{(id) => <Select id={id} value={node.join ?? "any"} onChange={(value) => set("join", value)} choices={JOIN} />}</Row>
      )}
      <Row name="disabled" label="Switched off" inline help={trigger ? "A trigger that is off starts nothing." : "A node that is off passes its input on."}>
        {(id) => <Toggle id={id} label="Switched off" value={node.disabled} onChange={(value) => set("disabled", value)} />}
      </Row>
      <Row name="notes" label="Notes">{(id) => <TextBox id={id} rows={3} value={node.notes ?? ""} onChange={(value) => set("notes", value)} placeholder="Why it is here, what to watch for …" />}</Row>
    </>
  );
}
