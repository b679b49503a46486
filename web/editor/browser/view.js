// Keeps what somebody asks to see in view: a loaded draft, a node named in a list, the card whose panel has just opened.

import { useEffect, useLayoutEffect, useRef } from "react";
import { useReactFlow, useStoreApi } from "@xyflow/react";
import { fitted, wholeView } from "./layout.js";
import { CARD } from "./places.js";
import { useEditor, useStore } from "./store.js";

export function useView(pane) {
  const store = useEditor();
  const flow = useReactFlow();
  const api = useStoreApi();
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
  const before = useRef(null);
  useLayoutEffect(() => {
    const box = pane.current.getBoundingClientRect();
    if (panel) uncover(flow, pane.current, panel, store.state.graph, before.current);
    before.current = { width: box.width, height: box.height };
  }, [panel, flow, pane, store]);
  useEffect(() => {
    store.flow = flow;
    store.pane = () => pane.current?.getBoundingClientRect();
    store.say = (ariaLiveMessage) => api.setState({ ariaLiveMessage }); // where React Flow tells of movements
  }, [store, flow, api, pane]);
}

/** Whether the view shows the whole graph in a pane of this size, as it was put there. */
function shows(flow, graph, size) {
  const [is, whole] = [flow.getViewport(), wholeView(flow, graph, size)];
  return Math.abs(is.zoom - whole.zoom) < 0.01 && Math.abs(is.x - whole.x) < 2 && Math.abs(is.y - whole.y) < 2;
}

/** Pans just so far that the card isn't cut off; where all of the graph was in view, all of it stays so. */
function uncover(flow, pane, key, graph, before) {
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
  if (!dx && !dy) return;
  if (before && !covered(box) && shows(flow, graph, before)) fitted(flow, graph, box);
  else flow.setViewport({ x: x + dx, y: y + dy, zoom });
}

/** How much of the pane's foot the panel hides where it is a sheet (small screens). */
function covered(box) {
  const sheet = document.querySelector(".ed-panel")?.getBoundingClientRect();
  return sheet && sheet.left <= box.left + 1 ? Math.max(0, box.bottom - sheet.top) : 0;
}
