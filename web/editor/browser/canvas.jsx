// The drawing area. React Flow holds where cards are while they are dragged; the store hears of it once, when a drag ends.

import React, { useCallback, useEffect, useLayoutEffect, useRef, useState } from "react";
import { Background, BackgroundVariant, MiniMap, ReactFlow, applyEdgeChanges, applyNodeChanges, useReactFlow } from "@xyflow/react";
import "@xyflow/react/dist/style.css";
import { refusal } from "./graph.js";
import { hueOf } from "./icons.jsx";
import { fitted } from "./layout.js";
import { NodeCard } from "./node_card.jsx";
import { Curve } from "./edge.jsx";
import { useEditor, useStore } from "./store.js";

export const MIME = "application/x-trestle-node-type";
const NODE_TYPES = { card: NodeCard };
const EDGE_TYPES = { curve: Curve };
const CARD = { width: 224, height: 64 };
const SNAP = [10, 10];

const linkOf = (edge) => ({ source: edge.source, source_port: edge.sourceHandle ?? "main", target: edge.target });
const edgeId = (link) => `${link.source}/${link.source_port}/${link.target}`;

function reconciledNodes(before, nodes) {
  const known = new Map(before.map((item) => [item.id, item]));
  return nodes.map((node) => {
    const item = known.get(node.key);
    if (!item) return { id: node.key, type: "card", position: node.position, data: { node } };
    if (item.data.node === node) return item;
    return { ...item, data: { node }, position: item.data.node.position === node.position ? item.position : node.position };
  });
}

function reconciledEdges(before, connections) {
  const known = new Map(before.map((item) => [item.id, item]));
  return connections.map((link) => {
    const id = edgeId(link);
    return known.get(id) ?? { id, type: "curve", source: link.source, sourceHandle: link.source_port, target: link.target, targetHandle: "in" };
  });
}

/** React Flow's own lists, kept in step with the graph and the selection. */
function useFlow() {
  const store = useEditor();
  const graph = useStore((state) => state.graph);
  const selection = useStore((state) => state.selection);
  const [nodes, setNodes] = useState(() => reconciledNodes([], graph.nodes));
  const [edges, setEdges] = useState(() => reconciledEdges([], graph.connections));
  useEffect(() => void setNodes((before) => reconciledNodes(before, graph.nodes)), [graph.nodes]);
  useEffect(() => void setEdges((before) => reconciledEdges(before, graph.connections)), [graph.connections]);
  useEffect(() => {
    const chosen = new Set(selection);
    setNodes((before) => before.map((item) => (Boolean(item.selected) === chosen.has(item.id) ? item : { ...item, selected: chosen.has(item.id) })));
  }, [selection, graph.nodes]);

  const onNodesChange = useCallback((changes) => {
    setNodes((before) => applyNodeChanges(changes, before));
    const picks = changes.filter((change) => change.type === "select");
    if (!picks.length) return;
    const chosen = new Set(store.state.selection);
    for (const pick of picks) pick.selected ? chosen.add(pick.id) : chosen.delete(pick.id);
    store.select([...chosen]);
  }, [store]);
  const onEdgesChange = useCallback((changes) => {
    setEdges((before) => {
      const after = applyEdgeChanges(changes, before);
      store.chosenLinks = after.filter((edge) => edge.selected).map(linkOf);
      return after;
    });
  }, [store]);
  const hover = useCallback((hovered) => (_, edge) =>
    setEdges((before) => before.map((item) => (item.id === edge.id ? { ...item, data: { hovered } } : item))), []);
  return { nodes, edges, onNodesChange, onEdgesChange, hover };
}

const STILL_MS = 250;

/** Moves, as operations: only what really changed place. Arrow keys move cards too; they are told once the keys are at rest. */
function useMoves(onNodesChange) {
  const store = useEditor();
  const flow = useReactFlow();
  const timer = useRef(null);
  const tell = useCallback(() => {
    clearTimeout(timer.current);
    const at = new Map(flow.getNodes().map((item) => [item.id, item.position]));
    const moves = store.state.graph.nodes
      .filter((node) => at.has(node.key))
      .map((node) => ({ node, x: Math.round(at.get(node.key).x), y: Math.round(at.get(node.key).y) }))
      .filter(({ node, x, y }) => node.position.x !== x || node.position.y !== y)
      .map(({ node, x, y }) => ({ key: node.key, x, y }));
    if (moves.length) store.edit([{ op: "move_nodes", moves }]);
  }, [store, flow]);
  const onChange = useCallback((changes) => {
    onNodesChange(changes);
    if (!changes.some((change) => change.type === "position" && change.dragging === false)) return;
    clearTimeout(timer.current);
    timer.current = setTimeout(tell, STILL_MS);
  }, [onNodesChange, tell]);
  return { onNodesChange: onChange, onNodeDragStop: tell, onSelectionDragStop: tell };
}

function useConnections() {
  const store = useEditor();
  const isValidConnection = useCallback((edge) => refusal(store.state.graph, linkOf(edge), store.state.catalogue) === null, [store]);
  const onConnect = useCallback((edge) => store.connect(linkOf(edge)), [store]);
  const onConnectEnd = useCallback((event, { isValid, fromNode, fromHandle, toNode }) => {
    if (isValid || !fromNode || fromHandle?.type !== "source") return;
    const from = { key: fromNode.id, port: fromHandle.id };
    if (toNode) {
      const reason = refusal(store.state.graph, { source: from.key, source_port: from.port, target: toNode.id }, store.state.catalogue);
      if (reason) store.notify(reason, "warning");
      else store.connect({ source: from.key, source_port: from.port, target: toNode.id });
      return;
    }
    const point = event.changedTouches?.[0] ?? event;
    if (event.target?.closest?.(".react-flow__pane")) store.set({ quick: { x: point.clientX, y: point.clientY, from, drop: true } });
  }, [store]);
  return { isValidConnection, onConnect, onConnectEnd };
}

/** Keeps what somebody asks to see in view: a loaded draft, a node named in a list, the card whose panel has just opened. */
function useView(pane) {
  const store = useEditor();
  const flow = useReactFlow();
  const loaded = useStore((state) => state.doc && `${state.doc.mode}/${state.doc.id}`);
  const focus = useStore((state) => state.focus);
  const panel = useStore((state) => state.panel?.key);
  useEffect(() => {
    // With nothing to fit, React Flow would fit the first node as it is dropped, and move it from under the pointer.
    if (!loaded || !store.state.graph.nodes.length) return undefined;
    const timer = setTimeout(() => fitted(flow, store.state.graph, pane.current.getBoundingClientRect()), 60);
    return () => clearTimeout(timer);
  }, [loaded, flow, store, pane]);
  useEffect(() => {
    if (focus) flow.fitView({ nodes: [{ id: focus.key }], maxZoom: 1, duration: 250, padding: 0.5 });
  }, [focus, flow]);
  // At once, not as a movement: the next click would miss what it aims at.
  useLayoutEffect(() => {
    if (panel) uncover(flow, pane.current, panel);
  }, [panel, flow, pane]);
  useEffect(() => {
    store.flow = flow;
    store.pane = () => pane.current?.getBoundingClientRect();
  }, [store, flow, pane]);
  return flow;
}

/** Pans just so far that the card isn't cut off. */
function uncover(flow, pane, key) {
  const item = flow.getInternalNode(key);
  if (!item || !pane) return;
  const box = pane.getBoundingClientRect();
  const { x, y, zoom } = flow.getViewport();
  const left = item.internals.positionAbsolute.x * zoom + x;
  const top = item.internals.positionAbsolute.y * zoom + y;
  const width = (item.measured?.width ?? CARD.width) * zoom;
  const height = (item.measured?.height ?? CARD.height) * zoom;
  const shift = (start, size, room, after) => (start < 24 ? 24 - start : start + size > room - after ? Math.max(24, room - after - size) - start : 0);
  const [dx, dy] = [shift(left, width, box.width, 110), shift(top, height, box.height - covered(box), 40)];
  if (dx || dy) flow.setViewport({ x: x + dx, y: y + dy, zoom });
}

/** How much of the pane's foot the panel hides where it is a sheet (small screens). */
function covered(box) {
  const sheet = document.querySelector(".ed-panel")?.getBoundingClientRect();
  return sheet && sheet.left <= box.left + 1 ? Math.max(0, box.bottom - sheet.top) : 0;
}

export function Canvas({ dark }) {
  const store = useEditor();
  const pane = useRef(null);
  const { nodes, edges, onNodesChange, onEdgesChange, hover } = useFlow();
  const moves = useMoves(onNodesChange);
  const connections = useConnections();
  const flow = useView(pane);
  const catalogue = useStore((state) => state.catalogue);
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

  return (
    <div className="ed-canvas" ref={pane} onDrop={onDrop} onDragOver={(event) => event.preventDefault()} onDoubleClick={onDoubleClick} data-testid="canvas">
      <ReactFlow
        nodes={nodes} edges={edges} nodeTypes={NODE_TYPES} edgeTypes={EDGE_TYPES} onEdgesChange={onEdgesChange} {...moves} {...connections}
        onNodeClick={(event, item) => !(event.shiftKey || event.ctrlKey || event.metaKey) && store.openNode(item.id)} onPaneClick={() => store.closePanel()}
        onEdgeMouseEnter={hover(true)} onEdgeMouseLeave={hover(false)} nodesDraggable={!readOnly} nodesConnectable={!readOnly}
        deleteKeyCode={null} multiSelectionKeyCode={["Shift", "Meta", "Control"]} selectionKeyCode="Shift" zoomOnDoubleClick={false}
        snapToGrid snapGrid={SNAP} minZoom={0.08} maxZoom={2} nodeDragThreshold={3} connectionRadius={28} elevateNodesOnSelect
        colorMode={dark ? "dark" : "light"} ariaLabelConfig={{ "node.a11yDescription.default": "Press Enter to open, arrow keys to move." }}
      >
        <Background variant={BackgroundVariant.Dots} gap={20} size={1.4} />
        {nodes.length > 0 && <MiniMap pannable zoomable ariaLabel="Map of the workflow" nodeColor={(item) => `var(--${hueOf(catalogue[item.data.node.type]?.group)}-8)`} nodeBorderRadius={8} />}
      </ReactFlow>
    </div>
  );
}
