// While an expression is typed in the panel: what the last run's data has at that place, or what can be made of it. One list for all
// fields of the panel.

import React, { useEffect, useRef, useState } from "react";
import { FIELDS, helpWriting, replaceText } from "./field_text.js";
import { argumentIn, filtersFor, piping } from "./filters.js";
import { completed, completions, typing } from "./paths.js";
import { scopeOf } from "./scope.js";
import { useEditor, useStore } from "./store.js";
import { trialOf } from "./trial.js";

const SHOWN = 8;
const WIDEST = 420; // px

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
      const filter = code ? null : piping(element.value, element.selectionStart);
      const scope = () => scopeOf(store.state.data, store.state.graph, nodeKey, trialOf(store.state));
      const choices = filter ? filtersFor(scope(), filter) : at ? completions(scope(), at) : [];
      const only = choices.length === 1 && (choices[0].call ?? choices[0].name) === (filter ?? at).typed;
      const box = element.getBoundingClientRect();
      return setOpen(choices.length && !only ? { element, at: filter ?? at, choices, box } : null);
    };
    const moved = (event) => event.target.matches?.(FIELDS) && ["ArrowLeft", "ArrowRight", "Home", "End"].includes(event.key) && look(event);
    const close = () => setOpen(null);
    const entered = (event) => event.target.matches?.(FIELDS) && (store.field = event.target);
    // Fields scroll by themselves while they are typed into.
    const scrolled = (event) => !event.target.matches?.(`${FIELDS}, .ed-completion`) && setOpen((now) => now && followed(now, event.target));
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

// The list goes where its field goes, for as long as that is seen.
function followed(open, scroller) {
  const [box, frame] = [open.element.getBoundingClientRect(), scroller.getBoundingClientRect?.()];
  return !frame || (box.bottom > frame.top && box.top < frame.bottom) ? { ...open, box } : null;
}

export function Completion({ nodeKey }) {
  const [open, setOpen] = useOpen(nodeKey);
  const [active, setActive] = useState(0);
  const list = useRef(null);
  useEffect(() => void setActive(0), [open?.choices]);
  const take = (choice) => {
    const { element, at } = open;
    const caret = element.selectionStart;
    const { from, to, insert } = choice.call ? { from: at.from, to: caret, insert: choice.call } : completed(element.value, caret, at, choice);
    replaceText(element, from, to, insert);
    const argument = choice.call && argumentIn(insert);
    if (argument) element.setSelectionRange(from + argument[0], from + argument[1]);
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
  const { box } = open;
  const below = box.bottom + 34 * Math.min(open.choices.length, SHOWN) < window.innerHeight;
  const height = below ? { top: box.bottom + 2 } : { bottom: window.innerHeight - box.top + 2 };
  // From the field's left side, or, where that leaves too little room, from its right one.
  const side = box.left + WIDEST <= window.innerWidth ? { left: box.left } : { right: Math.max(8, window.innerWidth - box.right) };
  return (
    <ul ref={list} className="ed-completion" role="listbox" aria-label={open.choices[0].call ? "What can be made of it" : "What the data has here"} style={{ ...height, ...side, minWidth: Math.min(box.width, 320), maxWidth: Math.min(WIDEST, window.innerWidth - 16) }} data-testid="completion">
      {open.choices.map((choice, index) => (
        <li key={choice.name} role="option" aria-selected={index === active} onMouseDown={(event) => { event.preventDefault(); take(choice); }}>
          <span>{choice.name}</span><span className="ed-muted">{choice.about}</span>
        </li>
      ))}
    </ul>
  );
}
