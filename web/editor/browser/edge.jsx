// One connection: a soft curve that moves while data travels, with "insert" and "remove" at its middle.

import React, { memo } from "react";
import { BaseEdge, EdgeLabelRenderer, getBezierPath } from "@xyflow/react";
import { Plus, X } from "lucide-react";
import { useStatus } from "./status.js";
import { useEditor, useStore } from "./store.js";

const SHORT = 150; // px: on less, the tools stand one above the other, so that both ends can still be taken up

function travel(from, to, port) {
  if (!from || from.status === "skipped") return from ? "is-idle is-skipped" : "is-idle";
  if (from.port && from.port !== port) return "is-idle is-skipped";
  if (from.status === "failed" && port !== "error") return "is-idle is-skipped";
  if (["succeeded", "failed"].includes(from.status)) return to && to.status !== "pending" && to.status !== "running" ? "is-taken" : "is-taken is-moving";
  return "is-idle";
}

export const Curve = memo(function Curve({ id, source, target, sourceHandleId, selected, data, ...ends }) {
  const store = useEditor();
  const [path, x, y] = getBezierPath(ends);
  const aimed = useStore(({ aim }) => aim !== null && aim.source === source && aim.source_port === sourceHandleId && aim.target === target);
  const alone = useStore((state) => selected && !state.selection.length); // not each of those that come with chosen nodes
  const classes = travel(useStatus(source), useStatus(target), sourceHandleId);
  const link = { source, source_port: sourceHandleId, target };
  const short = Math.abs(ends.targetX - ends.sourceX) < SHORT;
  const insert = (event) => store.set({ quick: { x: event.clientX, y: event.clientY, into: link } });
  return (
    <>
      <BaseEdge id={id} path={path} className={`ed-edge ${classes}${selected || aimed ? " is-selected" : ""}`} interactionWidth={22} />
      {(alone || data?.hovered) && !store.readOnly && (
        <EdgeLabelRenderer>
          <div className={`ed-edge-tools nodrag nopan${short ? " is-upright" : ""}${alone ? " is-chosen" : ""}`} style={{ transform: `translate(-50%, -50%) translate(${x}px, ${y}px)` }}>
            <button onClick={insert} aria-label="Insert a node here" title="Insert a node here"><Plus size={12} /></button>
            <button onClick={() => store.remove([], [link])} aria-label="Remove this connection" title="Remove this connection"><X size={12} /></button>
          </div>
        </EdgeLabelRenderer>
      )}
    </>
  );
});
