// Connections drawn by hand: from a port, or an existing one by its end; to a port, to anywhere on a card, or into the open.

import { useMemo, useRef } from "react";
import { refusal } from "./graph.js";
import { cardAt } from "./places.js";
import { useEditor } from "./store.js";

/** The connection that one of React Flow's edges stands for. */
export const linkOf = (edge) => ({ source: edge.source, source_port: edge.sourceHandle ?? "main", target: edge.target });

const pointOf = (event) => {
  const { clientX: x, clientY: y } = event.changedTouches?.[0] ?? event;
  return { x, y };
};

/** React Flow's properties for it. `pane` (a ref) is marked while a connection is drawn: cards then take it as a whole. */
export function useConnections(pane) {
  const store = useEditor();
  const held = useRef(null); // the connection whose end was taken up
  return useMemo(() => {
    const draw = (link) => (held.current ? store.reconnect(held.current, link) : store.connect(link));
    const isValidConnection = (edge) => refusal(store.without(held.current), linkOf(edge), store.state.catalogue) === null;
    const onConnectStart = (_, { handleType }) => pane.current?.classList.add("is-connecting", `is-from-${handleType}`);
    const onConnectEnd = (event, { isValid, fromNode, fromHandle, toNode }) => {
      pane.current?.classList.remove("is-connecting", "is-from-source", "is-from-target");
      if (isValid || !fromNode) return;
      const point = pointOf(event);
      const other = toNode?.id ?? cardAt(point);
      const forward = fromHandle.type === "source";
      // On a card, beside its ports, or refused there: `draw` says why.
      if (other) {
        const source = forward ? { source: fromNode.id, source_port: fromHandle.id } : { source: other, source_port: store.firstPort(other) };
        return void draw({ ...source, target: forward ? other : fromNode.id });
      }
      const open = document.elementFromPoint(point.x, point.y)?.closest(".react-flow__pane, .react-flow__node-note");
      if (!open || held.current) return;
      store.set({ quick: { ...point, ...(forward ? { from: { key: fromNode.id, port: fromHandle.id } } : { to: fromNode.id }), drop: true } });
    };
    const onReconnectStart = (_, edge) => {
      held.current = linkOf(edge);
    };
    const onReconnectEnd = () => {
      held.current = null;
    };
    const drawn = (edge) => draw(linkOf(edge));
    return { isValidConnection, onConnect: drawn, onConnectStart, onConnectEnd, onReconnect: (_, edge) => drawn(edge), onReconnectStart, onReconnectEnd };
  }, [store, pane]);
}
