// React Flow's own lists, kept in step with the graph; what it says of moves and connections, as operations.

import { useCallback, useEffect, useMemo, useState } from "react";
import { applyEdgeChanges, applyNodeChanges, useReactFlow } from "@xyflow/react";
import { linkOf } from "./connecting.js";
import { linksFrom, linksTo, nodeOf, portsOf } from "./graph.js";
import { aligned } from "./guides.js";
import { between } from "./making.js";
import { isNote, sizeOf, textOf } from "./notes.js";
import { inOrder } from "./outline.js";
import { linkAt } from "./places.js";
import { useEditor, useStore } from "./store.js";

const BEHIND = -2000; // what is chosen is lifted by 1000
const UNDER = -1; // connections come after the cards (canvas.jsx), and still run under them
const edgeId = (link) => `${link.source}/${link.source_port}/${link.target}`;

const NOTE_KEYS = { "aria-keyshortcuts": "Alt+ArrowLeft Alt+ArrowRight Alt+ArrowUp Alt+ArrowDown" };

/** A note has a size of its own, and lies behind cards and curves, chosen or not. */
const asNote = (node) => (isNote(node) ? { type: "note", ...sizeOf(node), zIndex: BEHIND, ariaLabel: `Note: ${textOf(node) || "empty"}`, domAttributes: NOTE_KEYS } : null);

function reconciledNodes(before, graph) {
  const known = new Map(before.map((item) => [item.id, item]));
  return inOrder(graph).map((node) => {
    const item = known.get(node.key);
    if (!item) return { id: node.key, type: "card", position: node.position, data: { node }, ...asNote(node) };
    if (item.data.node === node) return item;
    return { ...item, data: { node }, position: item.data.node.position === node.position ? item.position : node.position, ...asNote(node) };
  });
}

function reconciledEdges(before, connections) {
  const known = new Map(before.map((item) => [item.id, item]));
  return connections.map((link) => {
    const id = edgeId(link);
    const className = link.mark && `is-marked-${link.mark}`; // two versions are compared
    const item = known.get(id);
    if (item && item.className === className) return item;
    return { id, type: "curve", source: link.source, sourceHandle: link.source_port, target: link.target, targetHandle: "in", className, zIndex: UNDER };
  });
}

/** The same items, those that changed as new ones; `before` itself where none did, so that nothing is drawn again. */
function changed(before, change) {
  const after = before.map(change);
  return after.some((item, index) => item !== before[index]) ? after : before;
}

/** Cards that are dragged fall into line with others in view: the changes with their places put right, and the lines to show. */
function drawnIntoLine(changes, flow, pane) {
  const moved = changes.filter((change) => change.type === "position" && change.position && change.dragging !== undefined);
  if (!moved.length) return { changes, lines: null };
  const { x, y, zoom } = flow.getViewport();
  const box = pane.current.getBoundingClientRect();
  const seen = { left: -x / zoom, top: -y / zoom, right: (box.width - x) / zoom, bottom: (box.height - y) / zoom };
  const { dx, dy, lines } = aligned(moved, flow.getNodes(), seen, zoom);
  const right = (change) => (moved.includes(change) ? { ...change, position: { x: change.position.x + dx, y: change.position.y + dy } } : change);
  return { changes: dx || dy ? changes.map(right) : changes, lines: moved.some((change) => change.dragging) ? lines : null };
}

export function useFlow(pane) {
  const store = useEditor();
  const flow = useReactFlow();
  const graph = useStore((state) => state.drawn ?? state.graph);
  const selection = useStore((state) => state.selection);
  const [nodes, setNodes] = useState(() => reconciledNodes([], graph));
  const [edges, setEdges] = useState(() => reconciledEdges([], graph.connections));
  const [lines, setLines] = useState(null);
  useEffect(() => void setNodes((before) => reconciledNodes(before, graph)), [graph]);
  useEffect(() => void setEdges((before) => reconciledEdges(before, graph.connections)), [graph.connections]);
  useEffect(() => {
    const chosen = new Set(selection);
    setNodes((before) => changed(before, (item) => (Boolean(item.selected) === chosen.has(item.id) ? item : { ...item, selected: chosen.has(item.id) })));
    if (!store.chosenLinks.length) setEdges((before) => changed(before, (item) => (item.selected ? { ...item, selected: false } : item)));
  }, [store, selection, graph.nodes]);

  const onNodesChange = useCallback((given) => {
    const { changes, lines: shown } = drawnIntoLine(given, flow, pane);
    setLines(shown);
    setNodes((before) => applyNodeChanges(changes, before));
    const picks = changes.filter((change) => change.type === "select");
    if (!picks.length) return;
    const chosen = new Set(store.state.selection);
    for (const pick of picks) pick.selected ? chosen.add(pick.id) : chosen.delete(pick.id);
    store.select([...chosen], { withLinks: true });
  }, [store, flow, pane]);
  const onEdgesChange = useCallback((changes) => {
    setEdges((before) => {
      const after = applyEdgeChanges(changes, before);
      store.chosenLinks = after.filter((edge) => edge.selected).map(linkOf);
      return after;
    });
  }, [store]);
  const hovers = useMemo(() => {
    const hover = (hovered) => (_, edge) => setEdges((before) => changed(before, (item) => (item.id === edge.id ? { ...item, data: { hovered } } : item)));
    return { onEdgeMouseEnter: hover(true), onEdgeMouseLeave: hover(false) };
  }, []);
  const moves = useMoves();
  return { lists: { nodes, edges, onNodesChange, onEdgesChange, ...hovers, ...moves }, lines };
}

/** Whether a node could be put into a connection: it has an input and an output, and hangs on nothing yet. */
function loose(store, key) {
  const { graph, catalogue } = store.state;
  const node = nodeOf(graph, key);
  const type = catalogue[node?.type];
  return Boolean(type?.inputs.length && portsOf(type, node).length && !linksFrom(graph, key).length && !linksTo(graph, key).length);
}

/** The connection that runs under the middle of a card. */
const linkUnder = ({ position, measured }, flow) => linkAt(flow.flowToScreenPosition({ x: position.x + measured.width / 2, y: position.y + measured.height / 2 }));

/** The operations that put the card that was moved into a connection. */
function letIn(store, [{ key, x, y }], link) {
  const { graph, catalogue } = store.state;
  const node = { ...nodeOf(graph, key), position: { x, y } };
  return between(graph, link, node, portsOf(catalogue[node.type], node)[0]);
}

/** Moves by the pointer, as operations: only what really changed place. */
function useMoves() {
  const store = useEditor();
  const flow = useReactFlow();
  const tell = useCallback(() => {
    const at = new Map(flow.getNodes().map((item) => [item.id, item.position]));
    const moves = store.state.graph.nodes
      .filter((node) => at.has(node.key))
      .map((node) => ({ node, x: Math.round(at.get(node.key).x), y: Math.round(at.get(node.key).y) }))
      .filter(({ node, x, y }) => node.position.x !== x || node.position.y !== y)
      .map(({ node, x, y }) => ({ key: node.key, x, y }));
    const { aim } = store.state;
    store.aimAt(null);
    if (moves.length) store.edit([{ op: "move_nodes", moves }, ...(aim ? letIn(store, moves, aim) : [])]);
  }, [store, flow]);
  const aim = useCallback((_, item, items) => store.aimAt(items.length === 1 && loose(store, item.id) ? linkUnder(item, flow) : null), [store, flow]);
  return useMemo(() => ({ onNodeDrag: aim, onNodeDragStop: tell, onSelectionDragStop: tell }), [aim, tell]);
}
