// The drawing area. React Flow holds where cards are while they are dragged; the store hears of it once, when a drag ends.
// Hundreds of cards have to stay smooth: what React Flow is handed keeps its identity, and a card asks only for its own part.

import React, { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useSyncExternalStore } from "react";
import { Background, BackgroundVariant, MiniMap, ReactFlow, ViewportPortal, useStore as useFlowStore } from "@xyflow/react";
import "@xyflow/react/dist/style.css";
import { CanvasMenu } from "./canvas_menu.jsx";
import { Curve } from "./edge.jsx";
import { useConnections } from "./connecting.js";
import { isReadOnly } from "./drawing.js";
import { useFlow } from "./flow.js";
import { hueOf } from "./icons.jsx";
import { NodeCard } from "./node_card.jsx";
import { NoteCard } from "./note_card.jsx";
import { colourOf, isNote } from "./notes.js";
import { dropped, linkAt } from "./places.js";
import { typing } from "./shortcuts.jsx";
import { useEditor, useStore } from "./store.js";
import { useView } from "./view.js";

export const MIME = "application/x-trestle-node-type";
const NODE_TYPES = { card: NodeCard, note: NoteCard };
const EDGE_TYPES = { curve: Curve };
const SNAP = [10, 10];
const MULTI = ["Shift", "Meta", "Control"];
const LABELS = { "node.a11yDescription.default": "Press Enter to open, arrow keys to move." };
const NARROW = window.matchMedia("(max-width: 767px)");
const STEADY = 3; // pixels that a hand may slip during a click; from there on it drags
const MANY = 80; // from so many cards on, those out of sight aren't drawn
const [FAR, FARTHER] = [0.45, 0.22]; // below this zoom small print can't be read, and isn't drawn; below the other one, hairlines can't be seen
const distance = ({ transform: [, , zoom] }) => (zoom < FARTHER ? " is-far is-farther" : zoom < FAR ? " is-far" : "");

/** Whether the window is as narrow as a phone's: a finger then pans wherever it begins, and no card is moved by accident. */
const useNarrow = () => useSyncExternalStore(
  useCallback((changed) => {
    NARROW.addEventListener("change", changed);
    return () => NARROW.removeEventListener("change", changed);
  }, []),
  () => NARROW.matches,
);

/** While the view moves, it is one picture that is shifted, not hundreds of cards that are painted anew. */
function useMoving(pane) {
  return useMemo(() => {
    const mark = (on) => () => pane.current?.classList.toggle("is-moving", on);
    return { onMoveStart: mark(true), onMoveEnd: mark(false) };
  }, [pane]);
}

/** Tab goes through the cards first, then through the connections and what can be done with the chosen one; React Flow has them the other
 * way round. They are drawn as before, by their `zIndex`. */
function useCardsFirst(pane) {
  useLayoutEffect(() => {
    const [cards, ...others] = ["nodes", "edges", "edgelabel-renderer"].map((name) => pane.current.querySelector(`.react-flow__${name}`));
    cards.after(...others);
  }, [pane]);
}

/** Forgets what was opened when a first press begins: a second one is about what the first has opened, however long that took to be drawn. */
function usePresses(store) {
  useEffect(() => {
    const begin = (event) => {
      if (event.detail === 1) store.opened = null;
    };
    window.addEventListener("mousedown", begin, true); // before React Flow, which keeps some to itself
    return () => window.removeEventListener("mousedown", begin, true);
  }, [store]);
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

const ROOM_FOR_MAP = 600; // px of canvas; the map lies beside the tools, never over them

function Overview() {
  const room = useFlowStore((state) => state.width >= ROOM_FOR_MAP);
  const catalogue = useStore((state) => state.catalogue);
  const colour = useCallback(({ data: { node } }) => (isNote(node) ? `var(--${colourOf(node)}-a4)` : `var(--${hueOf(catalogue[node.type]?.group)}-8)`), [catalogue]);
  return room && <MiniMap pannable zoomable ariaLabel="Map of the workflow" nodeColor={colour} nodeBorderRadius={8} />;
}

export function Canvas({ dark }) {
  const store = useEditor();
  const pane = useRef(null);
  const { lists, lines } = useFlow(pane);
  const connections = useConnections(pane);
  const moving = useMoving(pane);
  usePresses(store);
  useView(pane);
  useCardsFirst(pane);
  const far = useFlowStore(distance);
  const readOnly = useStore(isReadOnly);
  const narrow = useNarrow();

  const onDrop = useCallback((event) => {
    const type = event.dataTransfer.getData(MIME);
    if (!type) return;
    event.preventDefault();
    const { catalogue, aim } = store.state;
    const place = dropped(store, catalogue[type], { x: event.clientX, y: event.clientY });
    store.aimAt(null);
    if (aim && catalogue[type]?.inputs.length) store.insert(type, aim, place);
    else store.add(type, { place });
  }, [store]);
  const onDragOver = useCallback((event) => {
    event.preventDefault();
    store.aimAt(linkAt({ x: event.clientX, y: event.clientY }));
  }, [store]);
  const onPointer = useMemo(() => {
    const follow = ({ clientX: x, clientY: y }) => {
      store.pointer = { x, y };
    };
    const lose = () => {
      store.pointer = null;
    };
    return { onPointerMove: follow, onPointerLeave: lose };
  }, [store]);
  const onDoubleClick = useCallback((event) => {
    if (store.justOpened) store.openWide(store.justOpened);
    else if (!readOnly && event.target.classList?.contains("react-flow__pane")) store.set({ quick: { x: event.clientX, y: event.clientY, drop: true } });
  }, [store, readOnly]);
  const onNodeClick = useCallback((event, item) => {
    // The second click of a double one may meet another card: the first one has moved the view.
    if (event.shiftKey || event.ctrlKey || event.metaKey || event.detail > 1) return;
    // While versions are compared, a click only points a card out in their list.
    if (store.state.drawn) store.select([item.id]);
    // A note is only chosen by one click: the next one may be the first of two, or the beginning of a movement.
    else if (item.type === "note") store.closeNode();
    else store.openNode(item.id);
  }, [store]);
  const onNodeDoubleClick = useCallback((_, item) => {
    if (item.type === "note" && !store.justOpened) store.write(item.id);
  }, [store]);
  // The first Escape closes the panel and leaves the card chosen; the next one is React Flow's, which gives the choice up.
  const onKeyDownCapture = useCallback((event) => {
    if (event.key === "Escape" && !typing(event.target) && store.stepBack()) event.stopPropagation();
  }, [store]);
  const onPaneClick = useCallback((event) => event.detail > 1 || store.state.drawn || store.closePanel(), [store]);

  return (
    <CanvasMenu>
      <div className={`ed-canvas${far}`} ref={pane} onDrop={onDrop} onDragOver={onDragOver} onDragLeave={() => store.aimAt(null)} {...onPointer} onDoubleClick={onDoubleClick} onKeyDownCapture={onKeyDownCapture} data-testid="canvas">
        <ReactFlow
          {...lists} {...connections} {...moving} nodeTypes={NODE_TYPES} edgeTypes={EDGE_TYPES} onNodeClick={onNodeClick} onNodeDoubleClick={onNodeDoubleClick} onPaneClick={onPaneClick}
          nodesDraggable={!readOnly && !narrow} nodesConnectable={!readOnly} edgesReconnectable={!readOnly} reconnectRadius={16} onlyRenderVisibleElements={lists.nodes.length > MANY}
          deleteKeyCode={null} multiSelectionKeyCode={MULTI} selectionKeyCode="Shift" zoomOnDoubleClick={false} panOnScroll panOnScrollSpeed={1}
          snapToGrid snapGrid={SNAP} minZoom={0.08} maxZoom={2} nodeDragThreshold={STEADY} nodeClickDistance={STEADY} paneClickDistance={STEADY} connectionRadius={28} elevateNodesOnSelect
          colorMode={dark ? "dark" : "light"} ariaLabelConfig={LABELS}
        >
          <Background variant={BackgroundVariant.Dots} gap={20} size={1.4} />
          {lists.nodes.length > 0 && <Overview />}
          <Guides lines={lines} />
        </ReactFlow>
      </div>
    </CanvasMenu>
  );
}
