// A choice among more than a list has room for: it looks like the other choices, and is searched by typing where the things are kept.

import { useEffect, useRef, useState } from "react";
import { Popover } from "@radix-ui/themes";
import { Check, ChevronDown, Search } from "lucide-react";
import "./chooser.css";

const PAUSE_MS = 150;

function List({ label, value, everything, found, onFind, onPick }) {
  const [search, setSearch] = useState("");
  const [index, setIndex] = useState(0);
  const list = useRef(null);
  const words = search.trim();
  const waiting = found?.asked?.trim() !== words;
  const options = [...(words ? [] : [everything]), ...(found?.items ?? [])];
  useEffect(() => {
    const timer = setTimeout(() => onFind?.(search), words ? PAUSE_MS : 0);
    return () => clearTimeout(timer);
  }, [search]);
  useEffect(() => void list.current?.children[index]?.scrollIntoView({ block: "nearest" }), [index]);
  const keys = (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 }[event.key];
    if (step) setIndex((now) => Math.max(0, Math.min(options.length - 1, now + step)));
    else if (event.key === "Enter") !waiting && options[index] && onPick(options[index]);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <>
      <label className="t-chooser-search">
        <Search size={15} aria-hidden="true" />
        <input value={search} onChange={(event) => { setSearch(event.target.value); setIndex(0); }} onKeyDown={keys} placeholder={`Search ${label.toLowerCase()}s`} role="combobox"
          aria-label={`Search ${label.toLowerCase()}s`} aria-expanded="true" aria-controls="t-chooser" aria-activedescendant={options.length ? `t-chosen-${index}` : undefined} autoComplete="off" spellCheck={false} />
      </label>
      <ul id="t-chooser" role="listbox" aria-label={label} ref={list}>
        {options.map((one, at) => (
          <li key={one.id} id={`t-chosen-${at}`} role="option" aria-selected={at === index} onClick={() => onPick(one)} onMouseMove={() => setIndex(at)} title={one.about || undefined}>
            <span>{one.name}</span>
            {one.id === value && <Check size={14} aria-label="chosen" />}
          </li>
        ))}
      </ul>
      {found?.trouble ? <p role="alert">{found.trouble}</p>
        : !options.length ? <p role="status">{waiting ? "Looking …" : "Nothing by that name."}</p>
        : found?.more && !waiting && <p role="status">{words ? "There are more: type more of the name." : "The newest are shown. Type to find the others."}</p>}
    </>
  );
}

export function Chooser({ label, value, shown, everything, found, onFind, onChoose }) {
  const [open, setOpen] = useState(false);
  const pick = (one) => {
    setOpen(false);
    if (one.id !== value) onChoose?.(one.id, one.name);
  };
  const keys = (event) => {
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    event.preventDefault();
    event.stopPropagation();
    setOpen(true);
  };
  return (
    <Popover.Root open={open} onOpenChange={setOpen}>
      <Popover.Trigger>
        <button type="button" className="rt-reset rt-SelectTrigger rt-r-size-2 rt-variant-surface t-chooser-trigger" role="combobox" aria-label={label} title={shown} aria-expanded={open} onKeyDown={keys}>
          <span className="rt-SelectTriggerInner">{shown}</span>
          <ChevronDown className="rt-SelectIcon" size={14} strokeWidth={1.75} aria-hidden="true" />
        </button>
      </Popover.Trigger>
      <Popover.Content size="1" className="t-chooser" align="start" aria-label={label}>
        <List label={label} value={value} everything={everything} found={found} onFind={onFind} onPick={pick} />
      </Popover.Content>
    </Popover.Root>
  );
}
