// Where things go that somebody drops, pastes or clicks: from places on the screen to places on the canvas.

import { isNote, sizeOf, working } from "./notes.js";

export const CARD = { width: 224, height: 64 };
const GRID = 10;
const snapped = ({ x, y }, grid = GRID) => ({ x: Math.round(x / grid) * grid, y: Math.round(y / grid) * grid });
const sizeFor = (type) => (isNote(type) ? sizeOf({}) : CARD);

/** Where a node of this type is put that is let go at `point` on the screen: its middle there, or (`side` 0, 1) its left or right side. */
export function dropped(store, type, { x, y }, { side = 0.5 } = {}) {
  const at = store.flow.screenToFlowPosition({ x, y });
  const { width, height } = sizeFor(type);
  return snapped({ x: at.x - side * width, y: at.y - height / 2 });
}

const [PACE, REACH] = [60, 10]; // px, and how many of them around the middle are tried
const AROUND = Array.from({ length: 2 * REACH + 1 }, (_, at) => at - REACH);
const STEPS = AROUND.flatMap((x) => AROUND.map((y) => ({ x: x * PACE, y: y * PACE }))).sort((a, b) => Math.hypot(a.x, a.y) - Math.hypot(b.x, b.y));

/** Where a new note goes that lies behind the cards: from `middle` to the nearest place within `view` where nothing hides it; else `middle`. */
export function uncovered(nodes, middle, view) {
  const size = sizeOf({});
  const free = ({ x, y }) => nodes.every((node) => {
    const { position: at } = node;
    const { width, height } = isNote(node) ? sizeOf(node) : CARD;
    return at.x >= x + size.width || at.x + width <= x || at.y >= y + size.height || at.y + height <= y;
  });
  const inside = ({ x, y }) => x >= view.left && y >= view.top && x + size.width <= view.right && y + size.height <= view.bottom;
  const places = STEPS.map((step) => ({ x: middle.x + step.x, y: middle.y + step.y }));
  return places.find((place) => inside(place) && free(place)) ?? middle;
}

/** Where a clicked node goes: right of the chosen one if there is room in view, else the first free place from the view's corner. A note: near its middle. */
export function visiblePlace(store, type) {
  const box = store.pane?.();
  if (!box) return null;
  const { graph, selection } = store.state;
  const cards = working(graph.nodes);
  const chosen = cards.find((node) => node.key === selection[0]);
  const corner = store.flow.screenToFlowPosition({ x: box.left + 40, y: box.top + 40 });
  const end = store.flow.screenToFlowPosition({ x: box.right - 40, y: box.bottom - 40 });
  if (isNote(type)) {
    const middle = dropped(store, type, { x: box.left + box.width / 2, y: box.top + box.height / 2 });
    return uncovered(graph.nodes, middle, { left: corner.x, top: corner.y, right: end.x, bottom: end.y });
  }
  const free = (place) => cards.every((node) => Math.abs(node.position.x - place.x) > 240 || Math.abs(node.position.y - place.y) > 88);
  const starts = chosen ? [{ x: chosen.position.x + 300, y: chosen.position.y }] : [];
  if (!cards.length) starts.push({ x: (corner.x + end.x - CARD.width) / 2, y: (corner.y + end.y - CARD.height) / 2 });
  for (let y = corner.y + 40; y < end.y - CARD.height; y += 100) for (let x = corner.x + 20; x < end.x - CARD.width; x += 280) starts.push({ x, y });
  const inside = (place) => place.x >= corner.x && place.x + CARD.width <= end.x && place.y >= corner.y && place.y + CARD.height <= end.y;
  const place = starts.find((start) => inside(start) && free(start));
  return place ? snapped(place, 2 * GRID) : null;
}

const corner = (nodes) => ["x", "y"].map((side) => Math.min(...nodes.map((node) => node.position?.[side] ?? 0)));

/** `place`, or so far aside that none of the copies hides a card: pasted twice at one place, the second one can be seen. */
function unhiding(graph, nodes, place) {
  const [left, top] = corner(nodes);
  const taken = new Set(graph.nodes.map(({ position: { x, y } }) => `${Math.round(x / 20)} ${Math.round(y / 20)}`));
  const hides = ({ x, y }) => nodes.some(({ position = { x: 0, y: 0 } }) => taken.has(`${Math.round((position.x - left + x) / 20)} ${Math.round((position.y - top + y) / 20)}`));
  let free = place;
  while (hides(free)) free = { x: free.x + 40, y: free.y + 40 };
  return free;
}

/** Where a copy goes, its left upper corner: under the pointer where that is over the canvas, else 40 px aside of what was copied, or into view if that isn't. */
export function pastePlace(store, nodes) {
  const box = store.pane?.();
  if (!box || !nodes.length) return null;
  const { pointer, flow, state } = store;
  const [x, y] = corner(nodes);
  const seen = flow.flowToScreenPosition({ x: x + 40, y: y + 40 });
  const inView = seen.x >= box.left && seen.x < box.right - 60 && seen.y >= box.top && seen.y < box.bottom - 40;
  const middle = { x: box.left + box.width / 3, y: box.top + box.height / 3 };
  const place = pointer || !inView ? snapped(flow.screenToFlowPosition(pointer ?? middle)) : { x: x + 40, y: y + 40 };
  return unhiding(state.graph, nodes, place);
}

/** The connection that is drawn at a point on the screen, or null. */
export function linkAt({ x, y }) {
  const id = document.elementsFromPoint(x, y).map((element) => element.closest?.(".react-flow__edge")?.dataset.id).find(Boolean);
  if (!id) return null;
  const [source, ...rest] = id.split("/");
  return { source, source_port: rest.slice(0, -1).join("/"), target: rest.at(-1) };
}

/** The key of the card that lies at a point on the screen, or undefined. */
export const cardAt = ({ x, y }) => document.elementFromPoint(x, y)?.closest?.(".react-flow__node-card")?.dataset.id;
