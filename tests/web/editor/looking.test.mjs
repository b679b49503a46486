// A drawing that can only be looked at, whatever asks it to change.

import assert from "node:assert/strict";
import test from "node:test";
import { Drawing } from "../../../web/editor/browser/drawing.js";

const LINK = { source: "a", source_port: "main", target: "b" };
const GRAPH = { nodes: ["a", "b"].map((key) => ({ key, type: "set", config: {}, position: { x: 0, y: 0 } })), connections: [LINK] };

test("while versions are compared nothing is added, and nothing chosen that isn't there", () => {
  const drawing = new Drawing({ operations: () => assert.fail("nothing is sent") });
  drawing.set({ catalogue: { set: { type: "set", inputs: ["main"], outputs: ["main"], schema: {} } } });
  drawing.load({ mode: "edit", id: "w", revision: 0, ...structuredClone(GRAPH) });
  drawing.set({ drawn: GRAPH });
  drawing.aimAt(LINK);
  drawing.add("set", { place: { x: 0, y: 0 } });
  drawing.insert("set", LINK);
  drawing.paste(structuredClone(GRAPH));
  assert.deepEqual([drawing.state.selection, drawing.state.aim, drawing.state.graph.nodes.length], [[], null, 2]);
  drawing.nudge(10, 0);
  assert.ok(drawing.outbox.idle);
});
