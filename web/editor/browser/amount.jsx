// A labelled row of a form, and a number with bounds: what policies and settings are made of.

import React, { useId, useLayoutEffect, useRef } from "react";
import { marked } from "./code_words.jsx";
import { TextInput, useDraft } from "./controls.jsx";
import { taking } from "./drag_value.js";

/** `takes`: its text may hold expressions. */
export function Row({ name, label, help, children, inline = false, takes = false }) {
  const id = useId();
  const box = useRef(null);
  useLayoutEffect(() => taking(box.current, { text: takes, why: takes ? null : "This is set by hand: it takes no value of a run." }), [takes]);
  return (
    <div className={`ed-field${inline ? " is-inline" : ""}`} data-testid={`field-${name}`} ref={box}>
      <div className="ed-field-head"><label htmlFor={id}>{label}</label></div>
      {children(id)}
      {help && <p className="ed-hint">{marked(help)}</p>}
    </div>
  );
}

export function Amount({ id, value, onChange, least = 0, most = Infinity, whole = false, placeholder }) {
  const read = (text) => {
    if (text.trim() === "") return undefined;
    const number = Number(text.replace(",", "."));
    if (!Number.isFinite(number) || number < least || number > most || (whole && !Number.isInteger(number))) {
      throw new Error(`A ${whole ? "whole " : ""}number from ${least}${most === Infinity ? "" : ` to ${most}`}.`);
    }
    return number;
  };
  const [draft, change, wrong] = useDraft(value, (number) => (number === undefined || number === null ? "" : String(number)), read, onChange);
  return (
    <>
      <TextInput id={id} inputMode="decimal" value={draft} onChange={change} placeholder={placeholder} />
      {wrong && <p className="ed-problem">{wrong}</p>}
    </>
  );
}
