// Tells the page that presses are heard now, and become what they are meant to be.
import { useEffect } from "react";

export function Alive({ arrived }) {
  useEffect(() => {
    if (!arrived) return;
    document.documentElement.dataset.alive = "";
    document.dispatchEvent(new Event("alive"));
  }, [arrived]);
  return null;
}
