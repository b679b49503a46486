// Two executions side by side: choose the other one, see on each card what became of the node there, and in the panel what differs.

import React, { useEffect, useMemo } from "react";
import { Button, DropdownMenu } from "@radix-ui/themes";
import { GitCompare, X } from "lucide-react";
import { difference } from "./difference.js";
import { Failure } from "./failure.jsx";
import { RUN_STATUS } from "./runs.jsx";
import { useRun } from "./status.js";
import { useEditor, useStore } from "./store.js";
import { ago, duration } from "./summary.js";

const about = (run) => `${RUN_STATUS[run.status] ?? run.status} · ${run.version ? `v${run.version}` : "draft"} · ${ago(run.created_at)}`;

/** Over a past execution. */
export function CompareMenu() {
  const store = useEditor();
  const runs = useStore((state) => state.runs);
  return (
    <DropdownMenu.Root onOpenChange={(open) => open && store.emit.runs()}>
      <DropdownMenu.Trigger>
        <Button variant="soft" color="gray" title="Set it beside another run of this workflow" data-testid="compare"><GitCompare size={15} /><span className="ed-wide">Compare with …</span></Button>
      </DropdownMenu.Trigger>
      <DropdownMenu.Content align="end">
        <DropdownMenu.Item onSelect={() => store.emit.compare("")} data-testid="compare-previous">The run before this one</DropdownMenu.Item>
        <DropdownMenu.Separator />
        {(runs ?? []).map((run) => <DropdownMenu.Item key={run.id} onSelect={() => store.emit.compare(run.id)}>{about(run)}</DropdownMenu.Item>)}
      </DropdownMenu.Content>
    </DropdownMenu.Root>
  );
}

const COUNTED = [["changed", "differ"], ["added", "only here"], ["removed", "only there"]];

/** Under the bar, while two runs are compared. */
export function ComparisonBar() {
  const store = useEditor();
  const comparison = useStore((state) => state.comparison);
  useEffect(() => () => store.set({ comparison: null, marks: {} }), [store]);
  if (!comparison?.other) return null;
  const marks = Object.values(comparison.nodes).map((node) => node.mark);
  const counts = COUNTED.map(([mark, text]) => [marks.filter((one) => one === mark).length, text]).filter(([count]) => count);
  return (
    <div className="ed-compared" role="status" data-testid="compared">
      <GitCompare size={14} aria-hidden="true" />
      <span>Compared with <a href={`/executions/${comparison.other.id}`}>{about(comparison.other)}</a>: {counts.length ? counts.map(([count, text]) => `${count} ${text}`).join(", ") : "every node did the same"}</span>
      <button className="ed-plain-icon" onClick={() => store.emit.compare("none")} aria-label="Stop comparing" title="Stop comparing" data-testid="compare-stop"><X size={14} /></button>
    </div>
  );
}

const outcome = (node) => (node ? [RUN_STATUS[node.status] ?? node.status, duration(node.ms)].filter(Boolean).join(" · ") : "not taken");

const sameError = (one, other) => ["type", "message", "hint"].every((name) => one[name] === other[name]);

/** Whether the errors of a node stand side by side, so that its own needn't stand there once more. */
export const useErrorsApart = (nodeKey) =>
  useStore((state) => {
    const { mine, theirs } = state.comparison?.nodes?.[nodeKey] ?? {};
    return Boolean(mine?.error) && !(theirs?.error && sameError(mine.error, theirs.error));
  });

/** Two nodes of one status: what differs all the same. */
const apart = ({ mine, theirs }) => (mine.error && theirs.error && !sameError(mine.error, theirs.error) ? "another error" : "another output");

/** On a card: what became of the node in the other run, where that differs. */
export function ComparedMark({ nodeKey }) {
  const found = useStore((state) => state.comparison?.nodes?.[nodeKey]);
  if (!found || found.mark === "same") return null;
  const text = found.mark === "added" ? "only in this run" : found.mark === "removed" ? "only in the other run" : found.mine.status === found.theirs.status ? `${apart(found)} · other run ${duration(found.theirs.ms)}` : `other run: ${outcome(found.theirs)}`;
  return <span className={`ed-compared-mark is-${found.mark}`} data-testid={`compared-${nodeKey}`}>{text}</span>;
}

const shown = (value) => {
  const text = value === undefined ? "–" : typeof value === "string" ? value : JSON.stringify(value);
  return text.length > 300 ? `${text.slice(0, 300)} …` : text;
};

function Changes({ mine, theirs }) {
  const found = useMemo(() => difference(theirs.value, mine.value), [mine.value, theirs.value]);
  const partial = Object.keys({ ...mine.cuts, ...theirs.cuts }).length > 0;
  if (!found.changes.length) return <p className="ed-hint">{partial ? "The beginnings of both outputs are the same." : mine.value === null ? "Neither put anything out." : "Both put out the same."}</p>;
  return (
    <>
      {partial && <p className="ed-hint">Of the beginnings of both outputs:</p>}
      {found.changes.map((change) => (
        <div key={change.path} className="ed-change-field">
          <code>{change.path || "the value"}</code>
          {change.change !== "added" && <del>{shown(change.before)}</del>}
          {change.change !== "removed" && <ins>{shown(change.after)}</ins>}
        </div>
      ))}
      {found.more && <p className="ed-hint">There are more differences than these.</p>}
    </>
  );
}

/** The errors of both, side by side; of the same one, only that it is (it stands below). */
function Errors({ mine, theirs }) {
  if (!mine && !theirs) return null;
  if (mine && theirs && sameError(mine, theirs)) return <p className="ed-hint" data-testid="compared-errors">Both failed with the same error.</p>;
  const sides = [["This run", mine], ["Other run", theirs]];
  return (
    <div data-testid="compared-errors">
      {mine && theirs && <p className="ed-hint">They failed with different errors.</p>}
      <div className="ed-differences-sides">
        {sides.map(([name, error]) => <div key={name}><h5>{name}</h5>{error ? <Failure error={error} /> : <p className="ed-hint">No error.</p>}</div>)}
      </div>
    </div>
  );
}

/** In the panel: how the node did in both runs, and what differs between its outputs (− there, + here). */
export function Differences({ nodeKey }) {
  const store = useEditor();
  const run = useRun();
  const other = useStore((state) => state.comparison?.other);
  const found = useStore((state) => state.comparison?.nodes?.[nodeKey]);
  const mine = useStore((state) => state.values[found?.mine?.step]);
  const theirs = useStore((state) => state.values[found?.theirs?.step]);
  const wanted = found?.mine && found.theirs ? `${found.mine.step} ${found.theirs.step}` : null;
  useEffect(() => {
    if (wanted && !(mine && theirs)) store.emit.values({ steps: [[run.execution_id, found.mine.step], [other.id, found.theirs.step]] });
  }, [wanted, store]);
  if (!found) return null;
  const failed = found.mine?.error && found.theirs?.error; // what they put out, if anything, says the same once more
  return (
    <section className="ed-differences" aria-label="Compared with the other run" data-testid="differences">
      <div className="ed-differences-line"><span>This run</span><b>{outcome(found.mine)}</b></div>
      <div className="ed-differences-line"><span>Other run</span><b>{outcome(found.theirs)}</b></div>
      <Errors mine={found.mine?.error} theirs={found.theirs?.error} />
      {wanted && !failed && (mine && theirs ? <Changes mine={mine.output} theirs={theirs.output} /> : <p className="ed-hint">Loading …</p>)}
    </section>
  );
}
