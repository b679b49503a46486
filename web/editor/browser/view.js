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
  const sight = useStore((state) => state.sight);
  const panel = useStore((state) => state.panel?.key);
  useEffect(() => {
    // With nothing to fit, React Flow would fit the first node as it is dropped, and move it from under the pointer.
    if (!loaded || !store.state.graph.nodes.length) return undefined;
    const timer = setTimeout(() => {
      const [{ doc, graph, panel }, box] = [store.state, pane.current.getBoundingClientRect()];
      // Of an execution that failed, somebody wants to see where; of a node that the address names, its card above the sheet.
      const key = panel?.key ?? doc.execution?.error?.node;
      fitted(flow, graph, { width: box.width, height: box.height - covered(box) }, { key });
    }, 60);
    return () => clearTimeout(timer);
  }, [loaded, flow, store, pane]);
  useEffect(() => {
    if (!focus) return;
    const hidden = covered(pane.current.getBoundingClientRect());
    const padding = hidden ? { x: "24px", top: "24px", bottom: `${hidden + 40}px` } : 0.5;
    flow.fitView({ nodes: [{ id: focus.key }], maxZoom: 1, duration: 250, padding });
  }, [focus, flow, pane]);
  useEffect(() => {
    if (!sight) return undefined;
    const { activeElement: held } = document;
    const timer = setTimeout(() => {
      const to = uncover(flow, pane.current, sight.key, store.state.graph, null);
      if (to) flow.setViewport(to, { duration: 200 });
      // Added by key, or gone to out of sight: keys go on from there, unless somebody has gone elsewhere meanwhile.
      const { activeElement: now } = document;
      if (now === document.body || (now === held && now.matches(".react-flow__node"))) pane.current.querySelector(`.react-flow__node[data-id="${sight.key}"]`)?.focus({ preventScroll: true });
    }, 60); // it is drawn by then
    return () => clearTimeout(timer);
  }, [sight, flow, store, pane]);
  // At once, not as a movement: the next click would miss what it aims at. Closed, the panel leaves the view as it found it.
  const before = useRef(null);
  const shifted = useRef(null); // `{from, to}`: how the view was before the panel opened, and how it was put for it
  useLayoutEffect(() => {
    const box = pane.current.getBoundingClientRect();
    const to = panel && uncover(flow, pane.current, panel, store.state.graph, before.current);
    if (to) {
      const kept = shifted.current && same(flow.getViewport(), shifted.current.to) ? shifted.current.from : flow.getViewport();
      flow.setViewport(to);
      shifted.current = { from: kept, to };
    } else if (!panel) {
      if (shifted.current && same(flow.getViewport(), shifted.current.to)) flow.setViewport(shifted.current.from);
      shifted.current = null;
    }
    before.current = { width: box.width, height: box.height };
  }, [panel, flow, pane, store]);
  useEffect(() => {
    store.flow = flow;
    store.pane = () => pane.current?.getBoundingClientRect();
    store.say = (ariaLiveMessage) => api.setState({ ariaLiveMessage }); // where React Flow tells of movements
  }, [store, flow, api, pane]);
}

const same = (one, other) => Math.abs(one.zoom - other.zoom) < 0.01 && Math.abs(one.x - other.x) < 2 && Math.abs(one.y - other.y) < 2;

/** Whether the view shows the whole graph in a pane of this size, as it was put there. */
const shows = (flow, graph, size) => same(flow.getViewport(), wholeView(flow, graph, size));

/** The view panned just so far that the card isn't cut off; where all of the graph was in view, all of it stays so. Null: nothing is to be done. */
function uncover(flow, pane, key, graph, before) {
  const item = flow.getInternalNode(key);
  if (!item || !pane) return null;
  const box = pane.getBoundingClientRect();
  const { x, y, zoom } = flow.getViewport();
  const left = item.internals.positionAbsolute.x * zoom + x;
  const top = item.internals.positionAbsolute.y * zoom + y;
  const width = (item.measured?.width ?? CARD.width) * zoom;
  const height = (item.measured?.height ?? CARD.height) * zoom;
  const shift = (start, size, room, after) => (start < 24 ? 24 - start : start + size > room - after ? Math.max(24, room - after - size) - start : 0);
  const [dx, dy] = [shift(left, width, box.width, 110), shift(top, height, box.height - covered(box), 40)];
  if (!dx && !dy) return null;
  return before && !covered(box) && shows(flow, graph, before) ? wholeView(flow, graph, box) : { x: x + dx, y: y + dy, zoom };
}

/** How much of the pane's foot the panel hides where it is a sheet (small screens). */
function covered(box) {
  const sheet = document.querySelector(".ed-panel")?.getBoundingClientRect();
  return sheet && sheet.left <= box.left + 1 ? Math.max(0, box.bottom - sheet.top) : 0;
}
