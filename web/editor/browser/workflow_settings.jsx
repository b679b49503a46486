// What holds for the workflow as a whole: limits, time zone, what is kept, what happens when it fails.

import React from "react";
import { Amount, Row } from "./amount.jsx";
import { Select, TextInput, useDraft } from "./controls.jsx";
import { PanelHead } from "./panel_head.jsx";
import { useEditor, useStore } from "./store.js";

const ON_ERROR = [
  { value: "stop", label: "Stop the run" },
  { value: "continue", label: "Go on, with the error as output" },
];
const ZONES = typeof Intl.supportedValuesOf === "function" ? Intl.supportedValuesOf("timeZone") : [];

function Zone({ id, value, onChange }) {
  const read = (text) => {
    const zone = text.trim() || "UTC";
    if (zone !== "UTC" && ZONES.length && !ZONES.includes(zone)) throw new Error("Not a time zone. A name like Europe/Berlin, or UTC.");
    return zone;
  };
  const [draft, change, wrong] = useDraft(value, (zone) => zone ?? "UTC", read, onChange);
  return (
    <>
      <TextInput id={id} value={draft} onChange={change} list="ed-zones" />
      <datalist id="ed-zones">{["UTC", ...ZONES].map((zone) => <option key={zone} value={zone} />)}</datalist>
      {wrong && <p className="ed-problem">{wrong}</p>}
    </>
  );
}

function Concurrency({ value, set }) {
  const change = (name, next) => {
    const limit = { ...value, [name]: next };
    set("concurrency", limit.limit ? { limit: limit.limit, key: limit.key || null } : null);
  };
  return (
    <>
      <Row name="concurrency" label="At most at once" help="Executions beyond that wait their turn. Empty: as many as there are.">
        {(id) => <Amount id={id} value={value?.limit} onChange={(limit) => change("limit", limit)} least={1} whole placeholder="no limit" />}
      </Row>
      {value?.limit && (
        <div className="ed-nested">
          <Row name="concurrency_key" label="Counted per" help="An expression: the limit holds for each of its values. Empty: for all together." takes>
            {(id) => <TextInput id={id} value={value.key ?? ""} onChange={(key) => change("key", key)} placeholder="{{ payload.customer }}" className="is-mono" />}
          </Row>
        </div>
      )}
    </>
  );
}

export function SettingsPanel() {
  const store = useEditor();
  const settings = useStore((state) => state.doc?.settings);
  const own = useStore((state) => state.doc?.id);
  const workflows = useStore((state) => state.workflows);
  if (!settings) return null;
  const set = (name, value) => store.changeSettings({ [name]: value });
  const others = (workflows ?? []).filter((one) => one.id !== own).map((one) => ({ value: one.id, label: one.name }));
  return (
    <>
      <PanelHead title="Workflow settings" onClose={() => store.closePanel()} />
      <fieldset className="ed-panel-body" disabled={store.readOnly} data-testid="workflow-settings">
        <Row name="on_error" label="When a node fails" help="Unless the node says otherwise.">
          {(id) => <Select id={id} value={settings.on_error} onChange={(value) => set("on_error", value)} choices={ON_ERROR} />}
        </Row>
        <Row name="error_workflow" label="Then start" help="Another workflow that begins with “Failed workflow”. It gets what failed and why.">
          {(id) => <Select id={id} value={settings.error_workflow} onChange={(value) => set("error_workflow", value ?? null)} choices={others} empty="Nothing" />}
        </Row>
        <Row name="timeout_s" label="Time limit (s)" help="Of one execution, while it runs. Waits don't count.">
          {(id) => <Amount id={id} value={settings.timeout_s} onChange={(value) => set("timeout_s", value ?? 3600)} least={0.001} />}
        </Row>
        <Concurrency value={settings.concurrency} set={set} />
        <Row name="timezone" label="Time zone" help="Of its schedules.">{(id) => <Zone id={id} value={settings.timezone} onChange={(value) => set("timezone", value)} />}</Row>
        <Row name="keep_days" label="Keep executions (days)" help="Empty: for ever.">
          {(id) => <Amount id={id} value={settings.keep_days} onChange={(value) => set("keep_days", value ?? null)} least={1} whole placeholder="for ever" />}
        </Row>
        <Row name="keep_failed_days" label="Keep failed ones (days)" help="Empty: twice as long.">
          {(id) => <Amount id={id} value={settings.keep_failed_days} onChange={(value) => set("keep_failed_days", value ?? null)} least={1} whole placeholder={settings.keep_days ? String(2 * settings.keep_days) : "for ever"} />}
        </Row>
        <Row name="keep_count" label="Keep at most (executions)">
          {(id) => <Amount id={id} value={settings.keep_count} onChange={(value) => set("keep_count", value ?? null)} least={1} whole placeholder="no limit" />}
        </Row>
        <Row name="keep_bytes" label="Keep at most (bytes)">
          {(id) => <Amount id={id} value={settings.keep_bytes} onChange={(value) => set("keep_bytes", value ?? null)} least={1} whole placeholder="no limit" />}
        </Row>
        <p className="ed-about">Limits and the time zone hold from the next publish on; what is kept, at once.</p>
      </fieldset>
    </>
  );
}
