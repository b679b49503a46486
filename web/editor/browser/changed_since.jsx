// A node of the draft that was changed since the run that is shown doesn't claim what became of it there.

import React from "react";
import { Pencil } from "lucide-react";
import { isChanged } from "./ran.js";
import { useRunId } from "./status.js";
import { useStore } from "./store.js";

export const CHANGED = "Changed since the run";

/** Whether a node of the draft is set otherwise than in the run that is shown. */
export function useChangedSince(node) {
  const id = useRunId();
  return useStore((state) => Boolean(node) && state.doc?.mode === "edit" && state.ran?.execution_id === id && isChanged(state.ran, node));
}

/** Under a card that was changed since the run. */
export function ChangedMark() {
  return (
    <div className="ed-status" title="What became of it in the run that is shown is not what it would do now: run it again">
      <Pencil size={11} strokeWidth={2.5} aria-hidden="true" /><span className="ed-status-text">{CHANGED}</span>
    </div>
  );
}
