// Tells the page that presses are heard now, and become what they are meant to be.
import { useEffect } from "react";

const LONGEST_MS = 4000; // a backend that does not answer leaves the page its menus

function mark() {
  document.documentElement.dataset.alive = "";
  document.dispatchEvent(new Event("alive"));
}

export function Alive({ arrived }) {
  useEffect(() => {
    if (arrived) return void mark();
    const timer = setTimeout(mark, LONGEST_MS);
    return () => clearTimeout(timer);
  }, [arrived]);
  return null;
}
