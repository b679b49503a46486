// The form's small parts: text that is checked while it is typed, code, and rows that can be added and taken away.

import React, { useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import { keyed } from "./code_keys.js";
import { replaceText } from "./field_text.js";
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
  const fit = () => {
    const element = box.current;
    element.style.height = "auto";
    element.style.height = `${Math.min(element.scrollHeight + 2, most * 20 + 16)}px`;
  };
  useLayoutEffect(fit, [value, most]);
  useEffect(() => {
    // The panel became wider or narrower, and with it the lines.
    let [width, frame] = [box.current.offsetWidth, 0];
    const watcher = new ResizeObserver(() => {
      if (box.current.offsetWidth === width) return;
      width = box.current.offsetWidth;
      frame = requestAnimationFrame(fit);
    });
    watcher.observe(box.current);
    return () => {
      watcher.disconnect();
      cancelAnimationFrame(frame);
    };
  }, []);
  return <textarea ref={box} className={`ed-input ed-textarea ${className}`} rows={rows} value={value} onChange={(event) => onChange(event.target.value)} onKeyDown={onKeyDown} spellCheck={false} {...rest} />;
}

/** The code in colours, under a text area whose own letters can't be seen. */
function Coloured({ text, language }) {
  const parts = useMemo(() => tokens(text, language), [text, language]);
  return <pre className="ed-code-colours" aria-hidden="true">{parts.map(({ kind, text: part }, index) => (kind ? <span key={index} className={`is-${kind}`}>{part}</span> : part))}{"\n"}</pre>;
}

/** Keys do in a text area what they do in editors of code (code_keys.js). */
const codeKeys = (language) => (event) => {
  const { key, shiftKey: shift, currentTarget: box } = event;
  if (event.altKey || event.nativeEvent.isComposing) return;
  const field = { value: box.value, start: box.selectionStart, end: box.selectionEnd };
  const found = keyed(field, { key, shift, mod: event.ctrlKey || event.metaKey }, language);
  if (!found) return;
  event.preventDefault();
  if (found.to > found.from || found.insert) replaceText(box, found.from, found.to, found.insert);
  box.setSelectionRange(...found.select);
};

const jsonKeys = codeKeys("json");

/** A text area for JSON. */
export const JsonBox = ({ className = "", ...rest }) => <TextBox className={`is-mono ${className}`} onKeyDown={jsonKeys} {...rest} />;

/** Monospace and coloured, with line numbers and the keys of editors of code. Escape leaves it, as any field: Tab then goes on. */
export function CodeBox({ value, onChange, id, placeholder, language }) {
  const lines = value.split("\n").length;
  return (
    <div className="ed-code">
      <pre className="ed-code-lines" aria-hidden="true">{Array.from({ length: lines }, (_, index) => index + 1).join("\n")}</pre>
      <div className="ed-code-text">
        <Coloured text={value} language={language} />
        <textarea id={id} value={value} rows={Math.max(6, lines)} onChange={(event) => onChange(event.target.value)} onKeyDown={codeKeys(language)} wrap="off"
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

/** What marks a field whose text is an expression. */
export const expressionClass = (value) => (isExpression(value) ? "is-expression" : "");
