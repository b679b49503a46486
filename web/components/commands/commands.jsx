// Ctrl K: everything that can be done, every page and every workflow, found by typing. ?: the keys.

import React, { useEffect, useMemo, useRef, useState } from "react";
import { useNavigate } from "react-router";
import { Dialog, Kbd } from "@radix-ui/themes";
import { ArrowRight, CornerDownLeft, FileText, Plus, Search, Workflow, Zap } from "lucide-react";
import "./keys.js";
import { matching } from "./matching.js";
import { show, useLists } from "./offers.js";
import "./commands.css";

const MOST = 60;
const NEWEST = 5;
const PAUSE_MS = 150;
const MARK = { Do: Zap, "Go to": ArrowRight, Add: Plus, Page: FileText, Workflow };
const GRAPH = /^\/(workflows|executions)\/./;

/** Goes to an address: at once, or (from one graph to another) by loading the page, which asks first where something isn't stored yet. */
function useGo() {
  const navigate = useNavigate();
  return (path) => (GRAPH.test(path) && GRAPH.test(window.location.pathname) ? window.location.assign(path) : navigate(path));
}

function entries(offer, pages, found, search, go, onTheme) {
  const does = [
    ["New workflow", "", () => go("/workflows?new=blank")], ["Import a workflow", "", () => go("/workflows?new=import")],
    ["Dark or light", "", () => onTheme?.()], ["Keys", "?", () => show("keys")], ["Sign out", "", () => window.trestle.leave()],
  ].map(([title, keys, act]) => ({ kind: "Do", title, keys, act }));
  const own = offer?.entries() ?? [];
  const known = new Set(own.map((entry) => entry.title));
  const places = pages.map(([title, path]) => ({ kind: "Page", title, act: () => go(path) }));
  // The backend has looked for these already; what it found by stays its own affair.
  const asked = found?.asked?.trim() === search.trim() ? (found.items ?? []).slice(0, search.trim() ? undefined : NEWEST) : [];
  const workflows = asked.map(({ id, name, about }) => ({ kind: "Workflow", title: name, about, words: search, act: () => go(`/workflows/${id}`) }));
  const everywhere = does.filter((entry) => !known.has(entry.title));
  return offer ? [...own, ...everywhere, ...places, ...workflows] : [...workflows, ...places, ...everywhere];
}

function List({ offer, pages, found, onFind, onTheme }) {
  const go = useGo();
  const [search, setSearch] = useState("");
  const [index, setIndex] = useState(0);
  const all = useMemo(() => entries(offer, pages, found, search, go, onTheme), [offer, pages, found, search]);
  const shown = useMemo(() => matching(all, search).slice(0, MOST), [all, search]);
  const box = useRef(null);
  const list = useRef(null);
  const before = useRef(document.activeElement);
  useEffect(() => void box.current?.focus(), []);
  useEffect(() => {
    const timer = setTimeout(() => onFind?.(search), search ? PAUSE_MS : 0);
    return () => clearTimeout(timer);
  }, [search]);
  useEffect(() => void list.current?.children[index]?.scrollIntoView({ block: "nearest" }), [index]);
  const close = () => {
    show(null);
    before.current?.focus?.({ preventScroll: true });
  };
  const pick = (entry) => {
    close();
    entry?.act();
  };
  const keys = (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 }[event.key];
    if (step) setIndex((now) => Math.max(0, Math.min(shown.length - 1, now + step)));
    else if (event.key === "Enter") pick(shown[index]);
    else if (event.key === "Escape") close();
    else if (event.key !== "Tab") return; // there is nothing else to go to
    event.preventDefault();
    event.stopPropagation();
  };
  const waiting = found?.asked?.trim() !== search.trim();
  return (
    <div className="t-veil" onClick={close}>
      <div className="t-commands" role="dialog" aria-modal="true" aria-label="Commands" data-testid="commands" onClick={(event) => event.stopPropagation()}>
        <label className="t-commands-search">
          <Search size={15} aria-hidden="true" />
          <input ref={box} value={search} onChange={(event) => { setSearch(event.target.value); setIndex(0); }} onKeyDown={keys} placeholder="Find a workflow, a page, a command …" role="combobox"
            aria-label="Find a workflow, a page, a command" aria-expanded="true" aria-controls="t-commands" aria-activedescendant={shown.length ? `t-command-${index}` : undefined} autoComplete="off" spellCheck={false} />
        </label>
        <ul id="t-commands" role="listbox" aria-label="Commands" ref={list}>
          {shown.map((entry, at) => {
            const Mark = MARK[entry.kind];
            return (
              <li key={at} id={`t-command-${at}`} role="option" aria-selected={at === index} onClick={() => pick(entry)} onMouseMove={() => setIndex(at)}>
                <Mark size={14} aria-hidden="true" />
                <span className="t-command-title"><span className="t-command-kind">{entry.kind}</span> {entry.title}</span>
                {entry.about && <span className="t-command-about">{entry.about}</span>}
                {entry.keys && <kbd>{entry.keys}</kbd>}
                {at === index && <CornerDownLeft size={13} aria-hidden="true" />}
              </li>
            );
          })}
        </ul>
        {found?.trouble && !waiting && <p className="t-commands-note" role="alert">{found.trouble}</p>}
        {!shown.length && !found?.trouble && <p className="t-commands-note" role="status">{waiting ? "Looking …" : "Nothing by that name."}</p>}
      </div>
    </div>
  );
}

const EVERYWHERE = [["Ctrl K", "Find anything: workflows, pages, commands"], ["?", "This list"]];
const ON_PAGES = [["/", "Search on this page"], ["↑ ↓", "From row to row of a table"], ["Home End", "To its first row, to its last"], ["Enter", "Open the row"], ["Tab", "To what can be done with the row"]];

function Keys({ offered }) {
  return (
    <Dialog.Root open onOpenChange={(open) => !open && show(null)}>
      <Dialog.Content maxWidth="420px" aria-describedby={undefined} data-testid="keys">
        <Dialog.Title>Keys</Dialog.Title>
        <dl className="t-keys">
          {[...EVERYWHERE, ...(offered ?? ON_PAGES)].map(([keys, does]) => (
            <React.Fragment key={keys}>
              <dt>{keys.split(" ").map((key) => <Kbd key={key}>{key}</Kbd>)}</dt>
              <dd>{does}</dd>
            </React.Fragment>
          ))}
        </dl>
      </Dialog.Content>
    </Dialog.Root>
  );
}

export function Commands(props) {
  const { open, offer } = useLists();
  if (open === "keys") return <Keys offered={offer?.keys} />;
  return open === "commands" ? <List offer={offer} {...props} /> : null;
}

/** The rail's button, for those who don't know the key yet. */
export function Finding(props) {
  return <button type="button" onClick={() => show("commands")} {...props} />;
}
