// What a person may do to an execution, by the state that it is in: stop it, hold it, let it go on, try again.

import React from "react";
import { Button, IconButton } from "@radix-ui/themes";
import { CirclePause, CirclePlay, CircleStop, RotateCcw, RotateCw } from "lucide-react";
import { useRun } from "./status.js";
import { useEditor, useStore } from "./store.js";

const LIVE = ["queued", "running", "waiting"];

const VERBS = {
  pause: { text: "Pause", icon: CirclePause, from: LIVE, about: "What runs now may finish; nothing new starts" },
  resume: { text: "Resume", icon: CirclePlay, from: ["paused"], about: "Go on where it was paused" },
  cancel: { text: "Cancel", icon: CircleStop, from: [...LIVE, "paused"], color: "red", about: "End it now, and whatever it has called" },
  retry: { text: "Retry", icon: RotateCcw, from: ["failed", "cancelled", "quarantined"], about: "Once more from where it failed; finished steps are kept" },
  replay: { text: "Replay", icon: RotateCw, from: ["succeeded", "failed", "cancelled", "quarantined"], about: "Once more from the start, with the same input" },
};

/** Over a past execution, or one that is under way. */
export function Steering({ execution }) {
  const store = useEditor();
  const run = useRun();
  const busy = useStore((state) => state.busy);
  const mayRun = useStore((state) => state.doc.may_run);
  const status = run?.status ?? execution.status;
  if (!mayRun) return null;
  const verbs = Object.entries(VERBS).filter(([, verb]) => verb.from.includes(status));
  // A trigger that failed left nothing to run with: the backend would refuse.
  const gone = !execution.workflow_id || (execution.error?.type === "trigger_failed" && execution.input == null);
  return (
    <span className="ed-steering" role="group" aria-label="This execution">
      {verbs.map(([name, verb]) => (
        <Button key={name} variant="soft" color={verb.color ?? "gray"} disabled={busy === name || (gone && verb.from.includes("failed"))} title={verb.about}
          onClick={() => store.steer(execution.id, name)} data-testid={`steer-${name}`}>
          <verb.icon size={15} /><span className="ed-wide">{verb.text}</span>
        </Button>
      ))}
    </span>
  );
}

/** In the editor's bar, while a run that is shown is under way. */
export function StopRun() {
  const store = useEditor();
  const run = useRun();
  const busy = useStore((state) => state.busy === "cancel");
  if (!run?.execution_id || ![...LIVE, "paused"].includes(run.status)) return null;
  return (
    <IconButton variant="soft" color="red" disabled={busy} onClick={() => store.steer(run.execution_id, "cancel")} aria-label="Cancel the run" title="Cancel the run that is shown" data-testid="run-cancel">
      <CircleStop size={15} />
    </IconButton>
  );
}
