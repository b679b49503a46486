// A sticky note: text behind the cards. Written in place; taken larger by its corner.

import React, { memo, useEffect, useRef } from "react";
import { NodeResizeControl } from "@xyflow/react";
import { Trash2 } from "lucide-react";
import { isReadOnly } from "./drawing.js";
import { nodeOf } from "./graph.js";
import { COLOURS, LEAST, colourOf, linesOf, textOf } from "./notes.js";
import { useEditor, useStore } from "./store.js";

const LONGEST = 10_000; // characters, as its type says

function Part({ part }) {
  if (part.kind === "link") return <a className="nodrag nopan" href={part.href} target="_blank" rel="noopener noreferrer">{part.text}</a>;
  if (part.kind === "code") return <code>{part.text}</code>;
  if (part.kind === "bold") return <b>{part.text}</b>;
  if (part.kind === "italic") return <i>{part.text}</i>;
  return part.text;
}

/** The text as it is read. It is never HTML: each part is text of its own. */
const Text = memo(function Text({ text }) {
  return (
    <div className="ed-note-text">
      {linesOf(text).map(({ kind, parts }, index) => <p key={index} className={`is-${kind}`}>{parts.map((part, at) => <Part key={at} part={part} />)}</p>)}
    </div>
  );
});

function Writing({ node }) {
  const store = useEditor();
  // Of the graph itself: what React Flow hands on comes a moment later, and a letter typed meanwhile would be lost.
  const text = useStore((state) => textOf(nodeOf(state.graph, node.key)));
  const box = useRef(null);
  useEffect(() => {
    box.current.focus({ preventScroll: true });
    box.current.setSelectionRange(box.current.value.length, box.current.value.length);
  }, []);
  const keys = (event) => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    event.currentTarget.closest(".react-flow__node")?.focus({ preventScroll: true });
  };
  return (
    <textarea
      ref={box} className="ed-note-box nodrag nopan nowheel" value={text} maxLength={LONGEST} onKeyDown={keys} onBlur={() => store.write(null)}
      onChange={(event) => store.configure(node.key, "text", event.target.value)} aria-label="Text of the note" data-testid={`write-${node.key}`}
      placeholder={"# A heading\nText, **bold**, a list with -, https://…"}
    />
  );
}

function Tools({ node }) {
  const store = useEditor();
  const now = colourOf(node);
  return (
    <div className="ed-note-tools nodrag nopan" role="toolbar" aria-label="Note">
      {COLOURS.map((colour) => (
        <button key={colour} className="ed-note-colour" style={{ "--note": `var(--${colour}-5)`, "--note-line": `var(--${colour}-9)` }} aria-label={`Colour: ${colour}`} title={colour} aria-pressed={colour === now}
          onClick={() => store.configure(node.key, "color", colour)} />
      ))}
      <button className="ed-plain-icon" onClick={() => store.remove([node.key])} aria-label="Delete the note" title="Delete (Del)"><Trash2 size={14} /></button>
    </div>
  );
}

export const NoteCard = memo(function NoteCard({ id, data, selected }) {
  const { node } = data;
  const store = useEditor();
  const writing = useStore((state) => state.writing === id);
  const alone = useStore((state) => selected && state.selection.length === 1);
  const readOnly = useStore(isReadOnly);
  const mark = useStore((state) => state.marks[id]);
  const text = textOf(node);
  const resized = (_, { width, height }) => store.edit([{ op: "configure_node", key: id, fields: { config: { width: Math.round(width), height: Math.round(height) } } }]);
  const classes = ["ed-note", selected && "is-selected", mark && `is-marked-${mark}`].filter(Boolean).join(" ");
  const hue = colourOf(node);
  return (
    <div className={classes} style={{ "--note": `var(--${hue}-3)`, "--note-line": `var(--${hue}-6)`, "--note-ink": `var(--${hue}-12)` }} data-testid={`note-${id}`}>
      {writing ? <Writing node={node} /> : text ? <Text text={text} /> : <p className="ed-note-empty">{readOnly ? "" : "Double-click to write"}</p>}
      {alone && !readOnly && <Tools node={node} />}
      {!readOnly && <NodeResizeControl className="ed-note-corner nodrag" minWidth={LEAST.width} minHeight={LEAST.height} maxWidth={2000} maxHeight={2000} onResizeEnd={resized}><span title="Drag to resize, or Alt with the arrow keys" /></NodeResizeControl>}
    </div>
  );
});
