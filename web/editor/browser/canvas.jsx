// The drawing area. React Flow holds where cards are while they are dragged; the store hears of it once, when a drag ends.
// Hundreds of cards have to stay smooth: what React Flow is handed keeps its identity, and a card asks only for its own part.

import React, { useCallback, useMemo, useRef } from "react";
import { Background, BackgroundVariant, MiniMap, ReactFlow, ViewportPortal, useStore as useFlowStore } from "@xyflow/react";
import "@xyflow/react/dist/style.css";
import { Curve } from "./edge.jsx";
import { useConnections, useFlow } from "./flow.js";
import { hueOf } from "./icons.jsx";
import { NodeCard } from "./node_card.jsx";
import { useEditor, useStore } from "./store.js";
import { CARD, useView } from "./view.js";

export const MIME = "application/x-trestle-node-type";
const NODE_TYPES = { card: NodeCard };
const EDGE_TYPES = { curve: Curve };
const SNAP = [10, 10];
const MULTI = ["Shift", "Meta", "Control"];
const LABELS = { "node.a11yDescription.default": "Press Enter to open, arrow keys to move." };
const MANY = 80; // from so many cards on, those out of sight aren't drawn
const FAR = 0.45; // below this zoom small print can't be read, and isn't drawn

/** While the view moves, it is one picture that is shifted, not hundreds of cards that are painted anew. */
function useMoving(pane) {
  return useMemo(() => {
    const mark = (on) => () => pane.current?.classList.toggle("is-moving", on);
    return { onMoveStart: mark(true), onMoveEnd: mark(false) };
  }, [pane]);
}

/** What the cards that are dragged stand in line with. */
function Guides({ lines }) {
  const zoom = useFlowStore((state) => state.transform[2]);
  if (!lines || (lines.x === null && lines.y === null)) return null;
  const [width, far] = [1 / zoom, 100_000];
  return (
    <ViewportPortal>
      {lines.x !== null && <div className="ed-guide" style={{ left: lines.x - width / 2, top: -far, width, height: 2 * far }} data-testid="guide-x" />}
      {lines.y !== null && <div className="ed-guide" style={{ top: lines.y - width / 2, left: -far, height: width, width: 2 * far }} data-testid="guide-y" />}
    </ViewportPortal>
  );
}

function Overview() {
  const catalogue = useStore((state) => state.catalogue);
  const colour = useCallback((item) => `var(--${hueOf(catalogue[item.data.node.type]?.group)}-8)`, [catalogue]);
  return <MiniMap pannable zoomable ariaLabel="Map of the workflow" nodeColor={colour} nodeBorderRadius={8} />;
}

export function Canvas({ dark }) {
  const store = useEditor();
  const pane = useRef(null);
  const { lists, lines } = useFlow(pane);
  const connections = useConnections();
  const moving = useMoving(pane);
  const flow = useView(pane);
  const far = useFlowStore((state) => state.transform[2] < FAR);
  const readOnly = useStore((state) => state.doc?.mode !== "edit");

  const onDrop = useCallback((event) => {
    const type = event.dataTransfer.getData(MIME);
    if (!type) return;
    event.preventDefault();
    const { x, y } = flow.screenToFlowPosition({ x: event.clientX, y: event.clientY });
    store.add(type, { place: { x: Math.round((x - CARD.width / 2) / 10) * 10, y: Math.round((y - CARD.height / 2) / 10) * 10 } });
  }, [flow, store]);
  const onDoubleClick = useCallback((event) => {
    if (!readOnly && event.target.classList?.contains("react-flow__pane")) store.set({ quick: { x: event.clientX, y: event.clientY, drop: true } });
  }, [store, readOnly]);
  const onNodeClick = useCallback((event, item) => void (event.shiftKey || event.ctrlKey || event.metaKey || store.openNode(item.id)), [store]);
  const onPaneClick = useCallback(() => store.closePanel(), [store]);

  return (
    <div className={`ed-canvas${far ? " is-far" : ""}`} ref={pane} onDrop={onDrop} onDragOver={(event) => event.preventDefault()} onDoubleClick={onDoubleClick} data-testid="canvas">
      <ReactFlow
        {...lists} {...connections} {...moving} nodeTypes={NODE_TYPES} edgeTypes={EDGE_TYPES} onNodeClick={onNodeClick} onPaneClick={onPaneClick}
        nodesDraggable={!readOnly} nodesConnectable={!readOnly} onlyRenderVisibleElements={lists.nodes.length > MANY}
        deleteKeyCode={null} multiSelectionKeyCode={MULTI} selectionKeyCode="Shift" zoomOnDoubleClick={false}
        snapToGrid snapGrid={SNAP} minZoom={0.08} maxZoom={2} nodeDragThreshold={3} connectionRadius={28} elevateNodesOnSelect
        colorMode={dark ? "dark" : "light"} ariaLabelConfig={LABELS}
      >
        <Background variant={BackgroundVariant.Dots} gap={20} size={1.4} />
        {lists.nodes.length > 0 && <Overview />}
        <Guides lines={lines} />
      </ReactFlow>
    </div>
  );
}
