// What can be put on the canvas: searched, grouped, dragged or clicked; and the same as a small pop-up where a node is wanted.

import React, { useEffect, useMemo, useRef, useState } from "react";
import { Search } from "lucide-react";
import { MIME } from "./canvas.jsx";
import { unmarked } from "./code_words.jsx";
import { TypeTile } from "./icons.jsx";
import { isNote } from "./notes.js";
import { found } from "./offered.js";
import { dropped, visiblePlace } from "./places.js";
import { useEditor, useStore } from "./store.js";
import { nameOf } from "./summary.js";

const leads = (type) => type.outputs.length > 0 || Boolean(type.ports_from);
const follows = (type) => type.inputs.length > 0 && !isNote(type); // what begins a workflow, or is only read, follows nothing
const grouped = (types) => [...types.reduce((groups, type) => groups.set(type.group, [...(groups.get(type.group) ?? []), type]), new Map())];

/** `stop`: whether Tab stops here; the arrows lead on to the others. */
function Item({ type, onPick, testid, active, stop }) {
  const drag = (event) => {
    event.dataTransfer.setData(MIME, type.type);
    event.dataTransfer.effectAllowed = "copy";
  };
  const pick = () => !type.broken && onPick(type);
  const key = (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    pick();
  };
  // Not a <button>: Firefox doesn't drag those.
  return (
    <div
      role="button" tabIndex={stop ? 0 : -1} className={`ed-item${active ? " is-active" : ""}`} draggable={!type.broken} aria-disabled={Boolean(type.broken)} onDragStart={drag}
      onClick={pick} onKeyDown={key} data-testid={`${testid}-${type.type}`} title={type.broken ? `Can't be loaded: ${type.broken}` : unmarked(type.description)}
    >
      <TypeTile type={type} small />
      <span className="ed-item-text">
        <span className="ed-item-title">{type.title}</span>
        <span className="ed-item-about">{type.broken ? "Can't be loaded" : unmarked(type.description)}</span>
      </span>
    </div>
  );
}

function Groups({ types, ...item }) {
  if (!types.length) return <p className="ed-hint ed-pad">Nothing by that name.</p>;
  return grouped(types).map(([group, members]) => (
    <section key={group} className="ed-group">
      <h3>{group}</h3>
      {members.map((type) => <Item key={type.type} {...item} type={type} active={item.active === type.type} stop={type === types[0]} />)}
    </section>
  ));
}

function SearchBox({ value, onChange, onEnter, onMove, placeholder, focus, id }) {
  const box = useRef(null);
  useEffect(() => void (focus && box.current?.focus()), [focus]);
  const keys = (event) => {
    if (event.key === "Enter") onEnter?.();
    else if (onMove && (event.key === "ArrowDown" || event.key === "ArrowUp")) onMove(event.key === "ArrowDown" ? 1 : -1);
    else return;
    event.preventDefault();
  };
  return (
    <label className="ed-search">
      <Search size={15} aria-hidden="true" />
      <input ref={box} id={id} value={value} onChange={(event) => onChange(event.target.value)} onKeyDown={keys} placeholder={placeholder} aria-label={placeholder} autoComplete="off" spellCheck={false} />
    </label>
  );
}

/** The arrows lead from the search into the list, and from entry to entry. */
function step(event) {
  const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!by) return;
  const stops = [...event.currentTarget.querySelectorAll("input, .ed-item")];
  const to = stops[stops.indexOf(event.target) + by];
  if (to) event.preventDefault();
  to?.focus();
}

export function Palette({ onDone }) {
  const store = useEditor();
  const catalogue = useStore((state) => state.catalogue);
  const [search, setSearch] = useState("");
  const types = useMemo(() => found(catalogue, search), [catalogue, search]);
  const add = (type) => {
    store.add(type.type, { place: visiblePlace(store, type) });
    onDone?.();
  };
  return (
    <aside className="ed-palette" aria-label="Nodes" onKeyDown={step} data-testid="palette">
      <SearchBox value={search} onChange={setSearch} onEnter={() => types[0] && add(types[0])} placeholder="Search nodes" id="ed-palette-search" />
      <div className="ed-scroll">
        {Object.keys(catalogue).length ? <Groups types={types} onPick={add} testid="palette-item" /> : (
          <p className="ed-hint ed-pad">No node types yet: no executor has registered. Start one and they appear here.</p>
        )}
      </div>
    </aside>
  );
}

/** The pop-up palette: after a port's "+", a connection dropped in the open, a double click, or "/". */
export function QuickAdd() {
  const store = useEditor();
  const quick = useStore((state) => state.quick);
  const catalogue = useStore((state) => state.catalogue);
  const [search, setSearch] = useState("");
  const [index, setIndex] = useState(0);
  useEffect(() => {
    setSearch("");
    setIndex(0);
  }, [quick]);
  const list = useRef(null);
  useEffect(() => void list.current?.querySelector(".is-active")?.scrollIntoView({ block: "nearest" }), [index]);
  const wantsInput = Boolean(quick?.from || quick?.into);
  const fits = (type) => !type.broken && (!wantsInput || type.inputs.length > 0) && (!quick?.to || leads(type)) && (!quick?.triggers || (type.inputs.length === 0 && !isNote(type)));
  const types = useMemo(() => {
    const fitting = found(catalogue, search).filter(fits);
    return quick?.after ? [...fitting.filter(follows), ...fitting.filter((type) => !follows(type))] : fitting;
  }, [catalogue, search, quick]);
  if (!quick) return null;
  const close = () => store.set({ quick: null });
  const pick = (type) => {
    close();
    if (quick.into) return void store.insert(type.type, quick.into);
    const place = quick.drop ? dropped(store, type, quick, { side: quick.to ? 1 : 0 }) : quick.from ? null : visiblePlace(store, type);
    const after = follows(type) ? quick.after : null;
    store.add(type.type, { place: after ? null : place, from: quick.from ?? after, to: quick.to });
  };
  const left = Math.max(8, Math.min(quick.x, window.innerWidth - 316));
  const top = Math.max(8, Math.min(quick.y, window.innerHeight - 388));
  return (
    <div className="ed-veil" onClick={close} onKeyDown={(event) => event.key === "Escape" && close()}>
      <div className="ed-quick" style={{ left, top }} role="dialog" aria-label="Add a node" onClick={(event) => event.stopPropagation()} data-testid="quick-add">
        <SearchBox value={search} onChange={(text) => { setSearch(text); setIndex(0); }} focus={quick} placeholder={quick.after ? `Add a node after ${nameOf(store.state, quick.after.key)} …` : "Add a node …"}
          onEnter={() => types[index] && pick(types[index])} onMove={(by) => setIndex((now) => Math.max(0, Math.min(types.length - 1, now + by)))} />
        <div className="ed-scroll" ref={list}><Groups types={types} onPick={pick} testid="quick-item" active={types[index]?.type} /></div>
      </div>
    </div>
  );
}
