// The form's small parts: text that is checked while it is typed, code, and rows that can be added and taken away.

import React, { useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import { Plus, Trash2 } from "lucide-react";
import { tokens } from "./highlight.js";
import { isExpression } from "./schema.js";

/**
 * Text of its own while somebody types, the value's text again when the value changes elsewhere (undo, another field).
 * `read(text)` gives the value, or throws what is wrong with the text; what is wrong is shown and not sent.
 */
export function useDraft(value, text, read, onChange) {
  const shown = text(value);
  const [draft, setDraft] = useState(shown);
  const [wrong, setWrong] = useState(null);
  const sent = useRef(shown);
  if (shown !== sent.current) {
    sent.current = shown;
    setDraft(shown);
    setWrong(null);
  }
  const change = (next) => {
    setDraft(next);
    try {
      const result = read(next);
      sent.current = text(result);
      setWrong(null);
      onChange(result);
    } catch (problem) {
      setWrong(problem.message);
    }
  };
  return [draft, change, wrong];
}

export function TextInput({ value, onChange, className = "", ...rest }) {
  return <input type="text" className={`ed-input ${className}`} value={value} onChange={(event) => onChange(event.target.value)} autoComplete="off" spellCheck={false} {...rest} />;
}

/** A text area as tall as its text, within bounds. */
export function TextBox({ value, onChange, rows = 2, most = 14, className = "", onKeyDown, ...rest }) {
  const box = useRef(null);
  useLayoutEffect(() => {
    const element = box.current;
    element.style.height = "auto";
    element.style.height = `${Math.min(element.scrollHeight + 2, most * 20 + 16)}px`;
  }, [value, most]);
  return <textarea ref={box} className={`ed-input ed-textarea ${className}`} rows={rows} value={value} onChange={(event) => onChange(event.target.value)} onKeyDown={onKeyDown} spellCheck={false} {...rest} />;
}

const INDENT = "    ";

/** The code in colours, under a text area whose own letters can't be seen. */
function Coloured({ text, language }) {
  const parts = useMemo(() => tokens(text, language), [text, language]);
  return <pre className="ed-code-colours" aria-hidden="true">{parts.map(({ kind, text: part }, index) => (kind ? <span key={index} className={`is-${kind}`}>{part}</span> : part))}{"\n"}</pre>;
}

/** Monospace and coloured, with line numbers; Tab indents, Enter keeps the indentation. Escape, then Tab, leaves it by keyboard. */
export function CodeBox({ value, onChange, id, placeholder, language }) {
  const lines = value.split("\n").length;
  const leaving = useRef(false);
  const insert = (element, text) => {
    const { selectionStart: start, selectionEnd: end } = element;
    element.setRangeText(text, start, end, "end");
    onChange(element.value);
  };
  const keys = (event) => {
    if (event.key === "Escape") {
      leaving.current = true;
      event.stopPropagation();
    } else if (event.key === "Tab" && !leaving.current && !event.shiftKey) {
      event.preventDefault();
      insert(event.currentTarget, INDENT);
    } else if (event.key === "Enter") {
      const before = event.currentTarget.value.slice(0, event.currentTarget.selectionStart).split("\n").at(-1);
      event.preventDefault();
      insert(event.currentTarget, `\n${before.match(/^\s*/)[0]}${before.trimEnd().endsWith(":") ? INDENT : ""}`);
    } else leaving.current = false;
  };
  return (
    <div className="ed-code">
      <pre className="ed-code-lines" aria-hidden="true">{Array.from({ length: lines }, (_, index) => index + 1).join("\n")}</pre>
      <div className="ed-code-text">
        <Coloured text={value} language={language} />
        <textarea id={id} value={value} rows={Math.max(6, lines)} onChange={(event) => onChange(event.target.value)} onKeyDown={keys} wrap="off"
          placeholder={placeholder} spellCheck={false} autoCapitalize="off" autoCorrect="off" />
      </div>
    </div>
  );
}

export function Select({ value, onChange, choices, id, empty }) {
  const known = choices.findIndex((choice) => choice.value === value);
  return (
    <select id={id} className="ed-input" value={known < 0 ? "" : String(value)} onChange={(event) => onChange(choices.find((choice) => String(choice.value) === event.target.value)?.value)}>
      {(empty !== undefined || known < 0) && <option value="">{empty ?? "Choose …"}</option>}
      {choices.map((choice) => <option key={String(choice.value)} value={String(choice.value)}>{choice.label}</option>)}
    </select>
  );
}

export function Toggle({ value, onChange, label, id }) {
  return (
    <button type="button" role="switch" id={id} aria-checked={Boolean(value)} aria-label={label} className="ed-toggle" onClick={() => onChange(!value)}>
      <span />
    </button>
  );
}

/** Rows with a way to take one away and to add one. `draw(row, change, index)` draws one. */
export function Rows({ rows, onChange, draw, fresh, add, stacked = false }) {
  const box = useRef(null);
  const added = useRef(false);
  // Whoever adds a row goes on typing in it.
  useEffect(() => {
    if (added.current) box.current.querySelector(".ed-row:last-of-type :is(input, textarea, select)")?.focus();
    added.current = false;
  }, [rows.length]);
  const more = () => {
    added.current = true;
    onChange([...rows, fresh()]);
  };
  return (
    <div className="ed-rows" ref={box}>
      {rows.map((row, index) => (
        <div key={index} className={stacked ? "ed-row is-stacked" : "ed-row"}>
          <div className="ed-row-fields">{draw(row, (next) => onChange(rows.map((old, at) => (at === index ? next : old))), index)}</div>
          <button type="button" className="ed-plain-icon" onClick={() => onChange(rows.filter((_, at) => at !== index))} aria-label={`Remove entry ${index + 1}`} title="Remove"><Trash2 size={14} /></button>
        </div>
      ))}
      <button type="button" className="ed-add" onClick={more}><Plus size={13} /> {add}</button>
    </div>
  );
}

/** What marks a field whose text is an expression. */
export const expressionClass = (value) => (isExpression(value) ? "is-expression" : "");
