// How wide the side panel is: dragged or set by arrow keys, and remembered by the browser.

import React, { useCallback, useRef, useState } from "react";

const MEMORY = "trestle.panel";
const [LEAST, USUAL, STEP] = [320, 384, 32];
const most = () => Math.max(LEAST, Math.min(900, Math.round(window.innerWidth * 0.6)));
const within = (width) => Math.max(LEAST, Math.min(most(), Math.round(width)));

/** The width in pixels, and how to change it. */
export function usePanelWidth() {
  const [width, setWidth] = useState(() => within(Number(localStorage.getItem(MEMORY)) || USUAL));
  const chosen = useRef(width);
  const change = useCallback((wish) => {
    chosen.current = within(typeof wish === "function" ? wish(chosen.current) : wish);
    localStorage.setItem(MEMORY, String(chosen.current)); // not where a narrow window alone has made it narrower
    setWidth(chosen.current);
  }, []);
  return [width, change];
}

export function WidthHandle({ width, change }) {
  const begin = (event) => {
    event.preventDefault();
    const handle = event.currentTarget;
    handle.setPointerCapture(event.pointerId);
    const right = handle.parentElement.getBoundingClientRect().right;
    const move = (at) => change(right - at.clientX);
    handle.addEventListener("pointermove", move);
    handle.addEventListener("lostpointercapture", () => handle.removeEventListener("pointermove", move), { once: true });
  };
  const keys = (event) => {
    const wish = { ArrowLeft: (now) => now + STEP, ArrowRight: (now) => now - STEP, Home: most(), End: LEAST }[event.key];
    if (wish === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    change(wish);
  };
  return (
    <div className="ed-width" role="separator" aria-orientation="vertical" aria-label="Width of the panel" aria-valuenow={width} aria-valuemin={LEAST} aria-valuemax={most()} tabIndex={0}
      onPointerDown={begin} onKeyDown={keys} onDoubleClick={() => change(USUAL)} title="Drag to change the width" data-testid="panel-width" />
  );
}
