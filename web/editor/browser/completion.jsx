// While an expression is typed in the panel: what the last run's data has at that place. One list for all fields of the panel.

import React, { useEffect, useRef, useState } from "react";
import { FIELDS, helpWriting, replaceText } from "./field_text.js";
import { completed, completions, typing } from "./paths.js";
import { scopeOf } from "./scope.js";
import { useEditor, useStore } from "./store.js";
import { trialOf } from "./trial.js";
const SHOWN = 8;

function useOpen(nodeKey) {
  const store = useEditor();
  const [open, setOpen] = useState(null);
  useEffect(() => {
    const look = (event) => {
      const element = event.target;
      if (!element.matches?.(FIELDS) || element.selectionStart !== element.selectionEnd) return setOpen(null);
      const code = Boolean(element.closest(".ed-code"));
      const found = typing(element.value, element.selectionStart, code);
      // In code most words are none of ours: without a beginning, Enter and Tab stay what they are.
      const at = code && found && !found.path.length && found.typed.length < 2 ? null : found;
      const choices = at ? completions(scopeOf(store.state.data, store.state.graph, nodeKey, trialOf(store.state)), at) : [];
      const only = choices.length === 1 && choices[0].name === at.typed;
      const box = element.getBoundingClientRect();
      return setOpen(choices.length && !only ? { element, at, choices, left: box.left, top: box.bottom + 2, width: box.width } : null);
    };
    const moved = (event) => event.target.matches?.(FIELDS) && ["ArrowLeft", "ArrowRight", "Home", "End"].includes(event.key) && look(event);
    const close = () => setOpen(null);
    const entered = (event) => event.target.matches?.(FIELDS) && (store.field = event.target);
    // The panel moves away from under the list; fields scroll by themselves while they are typed into.
    const scrolled = (event) => !event.target.matches?.(`${FIELDS}, .ed-completion`) && close();
    document.addEventListener("beforeinput", helpWriting);
    document.addEventListener("input", look);
    document.addEventListener("keyup", moved);
    document.addEventListener("focusin", entered);
    document.addEventListener("focusout", close);
    document.addEventListener("scroll", scrolled, true);
    return () => {
      document.removeEventListener("beforeinput", helpWriting);
      document.removeEventListener("input", look);
      document.removeEventListener("keyup", moved);
      document.removeEventListener("focusin", entered);
      document.removeEventListener("focusout", close);
      document.removeEventListener("scroll", scrolled, true);
    };
  }, [store, nodeKey]);
  return [open, setOpen];
}

export function Completion({ nodeKey }) {
  const [open, setOpen] = useOpen(nodeKey);
  const [active, setActive] = useState(0);
  const list = useRef(null);
  useEffect(() => void setActive(0), [open]);
  const take = (choice) => {
    const { element, at } = open;
    const { from, to, insert } = completed(element.value, element.selectionStart, at, choice);
    replaceText(element, from, to, insert);
  };
  useEffect(() => {
    if (!open) return undefined;
    const keys = (event) => {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (step) setActive((now) => (now + step + open.choices.length) % open.choices.length);
      else if (event.key === "Enter" || event.key === "Tab") take(open.choices[active]);
      else if (event.key === "Escape") setOpen(null);
      else return;
      event.preventDefault();
      event.stopPropagation();
    };
    document.addEventListener("keydown", keys, true);
    return () => document.removeEventListener("keydown", keys, true);
  });
  useEffect(() => void list.current?.children[active]?.scrollIntoView({ block: "nearest" }), [active]);
  if (!open) return null;
  const below = open.top + 34 * Math.min(open.choices.length, SHOWN) < window.innerHeight;
  const place = below ? { top: open.top } : { bottom: window.innerHeight - open.top + open.element.offsetHeight + 4 };
  return (
    <ul ref={list} className="ed-completion" role="listbox" aria-label="What the data has here" style={{ ...place, left: open.left, minWidth: Math.min(open.width, 320) }} data-testid="completion">
      {open.choices.map((choice, index) => (
        <li key={choice.name} role="option" aria-selected={index === active} onMouseDown={(event) => { event.preventDefault(); take(choice); }}>
          <span>{choice.name}</span><span className="ed-muted">{choice.about}</span>
        </li>
      ))}
    </ul>
  );
}
