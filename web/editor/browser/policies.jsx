// How a node is run: retries, time limit, what a failure means, when it starts. The same for every type of node.

import React, { useId } from "react";
import { Select, TextBox, TextInput, Toggle, useDraft } from "./controls.jsx";
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

function Row({ name, label, help, children, inline = false }) {
  const id = useId();
  return (
    <div className={`ed-field${inline ? " is-inline" : ""}`} data-testid={`field-${name}`}>
      <div className="ed-field-head"><label htmlFor={id}>{label}</label></div>
      {children(id)}
      {help && <p className="ed-hint">{help}</p>}
    </div>
  );
}

function Amount({ id, value, onChange, least = 0, most = Infinity, whole = false, placeholder }) {
  const read = (text) => {
    if (text.trim() === "") return undefined;
    const number = Number(text.replace(",", "."));
    if (!Number.isFinite(number) || number < least || number > most || (whole && !Number.isInteger(number))) {
      throw new Error(`A ${whole ? "whole " : ""}number from ${least}${most === Infinity ? "" : ` to ${most}`}.`);
    }
    return number;
  };
  const [draft, change, wrong] = useDraft(value, (number) => (number === undefined || number === null ? "" : String(number)), read, onChange);
  return (
    <>
      <TextInput id={id} inputMode="decimal" value={draft} onChange={change} placeholder={placeholder} />
      {wrong && <p className="ed-problem">{wrong}</p>}
    </>
  );
}

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

export function Policies({ node, type, incoming }) {
  const store = useEditor();
  const set = (name, value) => store.setField(node.key, name, value);
  const trigger = type?.inputs?.length === 0;
  return (
    <>
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
