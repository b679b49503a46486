// Parts of the node panel that fold to their heading, and stay as they were left: beside the canvas and as a sheet over it, each for itself.

import React, { useState, useSyncExternalStore } from "react";
import { ChevronDown, ChevronUp } from "lucide-react";

const SHEET = window.matchMedia("(max-width: 860px)"); // as in panel.css
const watch = (heard) => {
  SHEET.addEventListener("change", heard);
  return () => SHEET.removeEventListener("change", heard);
};

/** Whether the panel lies over the canvas as a sheet: there is no room for it beside. */
export const useSheet = () => useSyncExternalStore(watch, () => SHEET.matches);

/** `{open, put}` of a part: as it was put last where the panel stands, until then as is `usual`. */
export function useFold(part, sheet, usual) {
  const name = `trestle.open.${part}${sheet ? ".sheet" : ""}`;
  const [chosen, setChosen] = useState({});
  const put = (open) => {
    localStorage.setItem(name, String(open));
    setChosen({ ...chosen, [name]: String(open) });
  };
  const said = chosen[name] ?? localStorage.getItem(name);
  return { open: said ? said === "true" : usual, put };
}

/** Where there is room for one of two only: opened, it folds the other. */
export const insteadOf = (other, { open, put }) => ({ open, put: (next) => (put(next), next && other.put(false)) });

export function FoldButton({ fold: { open, put }, what, testid }) {
  const text = `${open ? "Fold" : "Open"} ${what}`;
  return <button type="button" className="ed-plain-icon" aria-expanded={open} onClick={() => put(!open)} aria-label={text} title={text} data-testid={testid}>{open ? <ChevronDown size={16} /> : <ChevronUp size={16} />}</button>;
}
