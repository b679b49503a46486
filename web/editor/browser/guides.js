// Where cards that are dragged stand in line with others. Pure.

const CARD = { width: 224, height: 64 };
const NEAR = 6; // pixels on the screen

const boxOf = ({ x, y }, item) => {
  const { width, height } = item?.measured?.width ? item.measured : CARD;
  return { left: x, top: y, right: x + width, bottom: y + height };
};
const around = (boxes) => ({
  left: Math.min(...boxes.map((box) => box.left)), top: Math.min(...boxes.map((box) => box.top)),
  right: Math.max(...boxes.map((box) => box.right)), bottom: Math.max(...boxes.map((box) => box.bottom)),
});
const apart = (box, seen) => box.right < seen.left || box.left > seen.right || box.bottom < seen.top || box.top > seen.bottom;
const places = (box, [from, to]) => [box[from], (box[from] + box[to]) / 2, box[to]];

/** The smallest shift that puts one edge or middle of `box` on the same one of another: `{by, at}`, null where none is near. */
function nearest(box, others, sides, reach) {
  let best = null;
  const own = places(box, sides);
  for (const other of others) {
    places(other, sides).forEach((place, index) => {
      const by = place - own[index];
      if (Math.abs(by) <= reach && (!best || Math.abs(by) < Math.abs(best.by))) best = { by, at: place };
    });
  }
  return best;
}

/**
 * How far the cards of `moved` (`{id, position}` each) have to go on to stand in line with a card that is seen, and the lines to show:
 * `{dx, dy, lines: {x, y}}`, a line null where nothing is near. Places are in pixels at zoom 1; `seen` is what of them is in view.
 */
export function aligned(moved, items, seen, zoom) {
  const byId = new Map(items.map((item) => [item.id, item]));
  const going = new Set(moved.map((change) => change.id));
  const box = around(moved.map((change) => boxOf(change.position, byId.get(change.id))));
  const others = items.filter((item) => !going.has(item.id)).map((item) => boxOf(item.position, item)).filter((other) => !apart(other, seen));
  const [x, y] = [nearest(box, others, ["left", "right"], NEAR / zoom), nearest(box, others, ["top", "bottom"], NEAR / zoom)];
  return { dx: x?.by ?? 0, dy: y?.by ?? 0, lines: { x: x?.at ?? null, y: y?.at ?? null } };
}
