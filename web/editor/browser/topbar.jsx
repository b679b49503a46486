// The bar over the canvas: what this is, whether it is saved, and what can be done with it as a whole.

import React, { useCallback, useEffect, useState, useSyncExternalStore } from "react";
import { Button, IconButton, Switch, Tooltip } from "@radix-ui/themes";
import { ArrowLeft, Check, ChevronDown, CircleAlert, ClipboardCopy, CloudOff, Eye, GitBranch, History, LoaderCircle, Play, Plus, Rocket, SlidersHorizontal, Workflow } from "lucide-react";
import { marked } from "./code_words.jsx";
import { CompareMenu } from "./compare_runs.jsx";
import { ExportMenu } from "./export.jsx";
import { told } from "./marking.js";
import { STATUS } from "./node_card.jsx";
import { runDraft } from "./shortcuts.jsx";
import { StopRun, Steering } from "./steering.jsx";
import { RUN_LOOK, RUN_STATUS, startedBy } from "./runs.jsx";
import { passedOver, statuses, useRun } from "./status.js";
import { useEditor, useStore } from "./store.js";
import { ago, duration, nameOf, startsText } from "./summary.js";
import { WebhookChip } from "./webhook.jsx";

const SAVE = {
  saved: { text: "Saved", icon: Check },
  saving: { text: "Saving…", icon: LoaderCircle },
  retrying: { text: "Not saved – retrying", icon: CloudOff },
  offline: { text: "Offline – changes are kept here", icon: CloudOff },
};
const SAVE_TITLE = {
  retrying: "The server doesn't answer. Your changes are kept here and sent again.",
  offline: "This device has no connection. What you change is kept here and sent once it has.",
};

/** Whether the browser has a connection at all; told that it is gone, the outbox doesn't wait for an answer first. */
function useOnline() {
  const store = useEditor();
  return useSyncExternalStore(useCallback((changed) => {
    const tell = () => {
      if (navigator.onLine) store.outbox.again();
      else store.outbox.failed();
      changed();
    };
    for (const kind of ["online", "offline"]) window.addEventListener(kind, tell);
    return () => ["online", "offline"].forEach((kind) => window.removeEventListener(kind, tell));
  }, [store]), () => navigator.onLine);
}

function SaveState() {
  const mayEdit = useStore((state) => state.doc.may_edit);
  const mayRun = useStore((state) => state.doc.may_run);
  const save = useStore((state) => (state.save === "saved" && state.setting ? "saving" : state.save));
  const shown = useOnline() ? save : "offline";
  const look = SAVE[shown];
  if (!mayEdit) return <span className="ed-save" data-testid="look-only" title={`Your role in this project lets you look${mayRun ? " and run" : ""}. Its editors can change it.`}><Eye size={14} aria-hidden="true" /><span>{mayRun ? "Run only" : "View only"}</span></span>;
  return (
    <span className={`ed-save is-${shown}`} data-testid="save-state" role="status" title={SAVE_TITLE[shown] ?? "Every change is saved as you make it."}>
      <look.icon size={14} aria-hidden="true" /><span>{look.text}</span>
    </span>
  );
}

const FACES = 4;
const initials = (name) => name.split(/[\s@.]+/).filter(Boolean).slice(0, 2).map((word) => word[0].toUpperCase()).join("");

/** Who else has the draft open. */
function People() {
  const people = useStore((state) => state.people);
  if (!people?.length) return null;
  const names = people.map((one) => one.name).join(", ");
  return (
    <span className="ed-people" role="img" aria-label={`Also here: ${names}`} title={`Also here: ${names}`} data-testid="people">
      {people.slice(0, FACES).map((one) => <span key={one.id} className="ed-face">{initials(one.name)}</span>)}
      {people.length > FACES && <span className="ed-face">+{people.length - FACES}</span>}
    </span>
  );
}

function Name() {
  const store = useEditor();
  const name = useStore((state) => state.doc.name);
  const [text, setText] = useState(name);
  useEffect(() => void setText(name), [name]);
  const settle = () => {
    const wish = text.trim();
    if (wish && wish !== name) store.renameWorkflow(wish);
    else setText(name);
  };
  const keys = (event) => {
    if (event.key === "Enter") event.currentTarget.blur();
    if (event.key === "Escape") setText(name);
  };
  return (
    <input className="ed-workflow-name" value={text} onChange={(event) => setText(event.target.value)} onBlur={settle} size={Math.max(6, text.length)}
      onKeyDown={keys} readOnly={!store.state.doc.may_edit} aria-label="Name of the workflow" maxLength={200} data-testid="workflow-name" />
  );
}

function RunButton() {
  const store = useEditor();
  const empty = useStore((state) => !state.graph.nodes.length);
  const running = ["queued", "running"].includes(useRun()?.status);
  return (
    <span className="ed-split">
      <Button variant="soft" onClick={() => runDraft(store)} disabled={empty} data-testid="run" title="Run the draft once (Ctrl Enter)">
        {running ? <LoaderCircle size={15} className="ed-spin" /> : <Play size={15} />}<span className="ed-wide">Run</span>
      </Button>
      <IconButton variant="soft" onClick={() => store.set({ sheet: "run" })} disabled={empty} aria-label="Run with input …" title="Run with input …" data-testid="run-with-input"><ChevronDown size={15} /></IconButton>
    </span>
  );
}

function PublishButton() {
  const store = useEditor();
  const busy = useStore((state) => state.busy === "publish");
  const changed = useStore((state) => state.doc.has_unpublished_changes || !state.doc.published_version);
  const version = useStore((state) => state.doc.published_version);
  const problems = useStore((state) => state.problems.length);
  const calm = useStore(({ problems, graph, catalogue, refused }) => problems.every((problem) => {
    const node = graph.nodes.find((one) => one.key === problem.node);
    return told(problem, node, catalogue[node?.type], refused).calm;
  }));
  const about = changed ? (version ? `Version ${version} is published; the draft has changes` : "Not published yet") : `Version ${version} is published, as it stands here`;
  return (
    <span className="ed-publish">
      {problems > 0 && (
        <Tooltip content="What publish refuses">
          <button className={calm ? "ed-problems-chip is-calm" : "ed-problems-chip"} onClick={() => store.openPanel("problems")} data-testid="problems-open"><CircleAlert size={14} /> {problems}</button>
        </Tooltip>
      )}
      <Button onClick={() => store.publish()} disabled={busy} variant={changed ? "solid" : "outline"} data-testid="publish" title={about}>
        {busy ? <LoaderCircle size={15} className="ed-spin" /> : <Rocket size={15} />}<span className="ed-wide">{changed ? "Publish" : "Published"}</span>
      </Button>
    </span>
  );
}

function EnableSwitch() {
  const store = useEditor();
  const mayEdit = useStore((state) => state.doc.may_edit);
  const enabled = useStore((state) => state.doc.enabled);
  const about = useStore((state) => (state.doc.enabled ? `What starts it:\n${startsText(state)}` : "Its triggers are off. Switch it on to have them start it"));
  return (
    <label className="ed-enable" title={about}>
      <Switch checked={enabled} disabled={!mayEdit} onCheckedChange={(on) => store.enable(on)} data-testid="enable" aria-label="Enabled" />
      <span className="ed-wide">{enabled ? "Enabled" : "Off"}</span>
    </label>
  );
}

export function EditBar({ onPalette }) {
  const store = useEditor();
  const mayEdit = useStore((state) => state.doc.may_edit);
  const mayRun = useStore((state) => state.doc.may_run);
  return (
    <header className="ed-bar">
      <IconButton asChild variant="ghost" color="gray"><a href="/workflows" aria-label="Back to the workflows" title="Workflows"><ArrowLeft size={17} /></a></IconButton>
      {mayEdit && <IconButton className="ed-narrow" variant="soft" onClick={onPalette} aria-label="Add a node" data-testid="palette-open"><Plus size={17} /></IconButton>}
      <Name />
      <SaveState />
      <People />
      <span className="ed-gap ed-bar-break" />
      <WebhookChip />
      <Button variant="ghost" color="gray" onClick={() => store.openPanel("runs")} data-testid="runs-open" title="Recent runs"><History size={16} /><span className="ed-wide">Runs</span></Button>
      <IconButton variant="ghost" color="gray" onClick={() => store.openPanel("versions")} aria-label="Versions" title="Versions" data-testid="versions-open"><GitBranch size={16} /></IconButton>
      <IconButton variant="ghost" color="gray" onClick={() => store.openPanel("settings")} aria-label="Workflow settings" title="Workflow settings" data-testid="settings-open"><SlidersHorizontal size={16} /></IconButton>
      <ExportMenu />
      {mayRun && <><StopRun /><RunButton /></>}
      {mayEdit && <PublishButton />}
      <EnableSwitch />
    </header>
  );
}

/** Why an execution failed, over its canvas; leads to the node that ended it. */
export function FailureBanner() {
  const store = useEditor();
  const execution = useStore((state) => state.doc?.execution);
  const run = useRun();
  const error = run?.error ?? execution?.error;
  const name = useStore((state) => nameOf(state, error?.node));
  if (!error) return null;
  const text = (
    <>
      <CircleAlert size={16} aria-hidden="true" />
      <span><b>{name || error.type}</b> {marked(error.message)}{error.hint && <em>{marked(error.hint)}</em>}</span>
    </>
  );
  if (!error.node) return <div className="ed-failed" role="status">{text}</div>;
  return <button className="ed-failed" onClick={() => store.reveal(error.node)} title="Show the step" data-testid="execution-error">{text}</button>;
}

/** The failures that a run went on over; leads from one such node to the next. */
function PassedOver({ count }) {
  const store = useEditor();
  const next = () => {
    const keys = store.state.graph.nodes.map((node) => node.key).filter((key) => passedOver(statuses.get(key)));
    store.reveal(keys[(keys.indexOf(store.state.panel?.key) + 1) % keys.length]);
  };
  return <button type="button" className="ed-passed-over" onClick={next} title="They were set to let the run go on. Show the node, then the next one" data-testid="failures">with failures in {count === 1 ? "one node" : `${count} nodes`}</button>;
}

/** Over a past execution: how it went, and the way to its workflow. */
export function RunBar() {
  const doc = useStore((state) => state.doc);
  const run = useRun();
  const execution = doc.execution;
  const status = run?.status ?? execution.status;
  const [start, end] = [run?.started_at ?? execution.started_at, run?.finished_at ?? execution.finished_at];
  const look = STATUS[status] ?? RUN_LOOK[status] ?? STATUS.pending;
  const failures = run?.failed_steps ?? 0;
  return (
    <header className="ed-bar">
      <IconButton asChild variant="ghost" color="gray"><a href="/executions" aria-label="Back to the executions" title="Executions"><ArrowLeft size={17} /></a></IconButton>
      <span className="ed-workflow-title">{doc.name || "Deleted workflow"}</span>
      <span className={`ed-chip-status is-${status}`} data-testid="execution-status"><look.icon size={12} strokeWidth={2.5} /> {RUN_STATUS[status] ?? status}</span>
      <span className="ed-muted"><span className="ed-wide">{startedBy(execution.trigger)} · {execution.version ? `version ${execution.version}` : "draft"} · </span><span title={new Date(execution.created_at).toLocaleString()}>{ago(execution.created_at)}</span></span>
      {start && end && <span className="ed-muted">{duration(Date.parse(end) - Date.parse(start))}</span>}
      {status !== "failed" && failures > 0 && <PassedOver count={failures} />}
      {execution.origins?.map(({ text, href }) => <a key={href} className="ed-origin" href={href} title={text} data-testid="origin">{text}</a>)}
      {execution.reruns?.map(({ text, href }) => <a key={href} className="ed-origin is-short" href={href} title={`${text} since: to the newest one`} data-testid="rerun">{text}</a>)}
      <span className="ed-gap ed-bar-break" />
      <Steering execution={execution} />
      {execution.workflow_id && <CompareMenu />}
      {execution.workflow_id && doc.may_edit && <Button asChild variant="soft" color="gray" title="Open the draft with this run's data as pins"><a href={`/workflows/${execution.workflow_id}?pins=${execution.id}`} data-testid="copy-to-editor"><ClipboardCopy size={15} /><span className="ed-wide">Copy to editor</span></a></Button>}
      {execution.workflow_id && <Button asChild variant="soft"><a href={`/workflows/${execution.workflow_id}`}><Workflow size={15} /><span className="ed-wide">Open the workflow</span></a></Button>}
    </header>
  );
}
