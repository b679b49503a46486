// The published versions: publish with a note, see what the draft or another version has changed since one (on the canvas too), go back to one.

import React, { useEffect, useMemo, useRef, useState } from "react";
import { AlertDialog, Button, Flex } from "@radix-ui/themes";
import { GitCompare, Rocket, Undo2 } from "lucide-react";
import { compared, united } from "./compare.js";
import { Select, TextBox } from "./controls.jsx";
import { PanelHead } from "./panel_head.jsx";
import { useEditor, useStore } from "./store.js";
import { ago } from "./summary.js";

const CHANGE = { added: "Added", removed: "Removed", changed: "Changed" };
const shown = (value) => (value === null ? "–" : typeof value === "string" ? value : JSON.stringify(value));

function Publish() {
  const store = useEditor();
  const busy = useStore((state) => state.busy === "publish");
  const [note, setNote] = useState("");
  const publish = () => {
    store.publish(note.trim());
    setNote("");
  };
  return (
    <div className="ed-publish-note">
      <TextBox value={note} onChange={setNote} rows={1} most={6} placeholder="What has changed (a note, if you like)" aria-label="Note" data-testid="publish-note" maxLength={1000} />
      <Button size="2" onClick={publish} disabled={busy} data-testid="publish-with-note"><Rocket size={14} /> Publish</Button>
    </div>
  );
}

function NodeChange({ found }) {
  const store = useEditor();
  const chosen = useStore((state) => state.selection.includes(found.key));
  const line = useRef(null);
  useEffect(() => void (chosen && line.current?.scrollIntoView({ block: "nearest" })), [chosen]);
  const reveal = () => {
    store.select([found.key]);
    store.set({ focus: { key: found.key, at: Date.now() } });
  };
  return (
    <li className={`ed-change is-${found.change}${chosen ? " is-chosen" : ""}`} ref={line}>
      <button type="button" onClick={reveal}><b>{found.key}</b> <span className="ed-muted">{CHANGE[found.change]}</span></button>
      {found.fields.map((field) => (
        <div key={field.path} className="ed-change-field">
          <code>{field.path.replace(/^config\./, "")}</code>
          <del>{shown(field.before)}</del>
          <ins>{shown(field.after)}</ins>
        </div>
      ))}
    </li>
  );
}

const DRAFT = "draft";

/** What the draft, or another version, has that the version has not, and the other way round. */
function Comparison({ number, against, onAgainst, found }) {
  const versions = useStore((state) => state.versions);
  const choices = [{ value: DRAFT, label: "the draft" }, ...(versions ?? []).filter((one) => one.number !== number).map((one) => ({ value: String(one.number), label: `version ${one.number}` }))];
  const nothing = found && !found.nodes.length && !found.connections.length;
  return (
    <div className="ed-comparison" data-testid="comparison">
      <label className="ed-against">From version {number} to <Select value={against} onChange={onAgainst} choices={choices} /></label>
      <p className="ed-hint">{!found ? "Loading …" : nothing ? "Both do the same." : "Marked on the canvas, with what is gone. It can't be edited meanwhile."}</p>
      <ul>
        {found?.nodes.map((node) => <NodeChange key={node.key} found={node} />)}
        {found?.connections.map((link) => (
          <li key={`${link.source}${link.source_port}${link.target}`} className={`ed-change is-${link.change}`}>{link.source} → {link.target} <span className="ed-muted">{CHANGE[link.change]}</span></li>
        ))}
      </ul>
    </div>
  );
}

/** Two graphs side by side: which (`number`, and another version or the draft), and what differs; drawn in one as long as they are. */
function useComparison() {
  const store = useEditor();
  const draft = useStore((state) => state.graph);
  const graphs = useStore((state) => state.graphs);
  const [number, setNumber] = useState(null);
  const [against, setAgainst] = useState(DRAFT);
  const before = number === null ? null : graphs[number];
  const after = against === DRAFT ? draft : graphs[against];
  const missing = number === null ? null : !before ? number : !after ? Number(against) : null;
  useEffect(() => void (missing !== null && store.emit.version(missing)), [store, missing]);
  const found = useMemo(() => (before && after ? compared(before, after) : null), [before, after]);
  useEffect(() => {
    store.set({ marks: found ? Object.fromEntries(found.nodes.map((node) => [node.key, node.change])) : {}, drawn: found ? united(before, after, found) : null });
  }, [store, found]);
  useEffect(() => () => store.set({ marks: {}, drawn: null }), [store]);
  const compare = (next) => {
    setNumber(next === number ? null : next);
    setAgainst(DRAFT);
  };
  return { number, against, found, compare, setAgainst };
}

export function VersionsPanel() {
  const store = useEditor();
  const versions = useStore((state) => state.versions);
  const published = useStore((state) => state.doc?.published_version);
  const mayEdit = useStore((state) => state.doc?.may_edit);
  const [asked, setAsked] = useState(null);
  const { number, against, found, compare, setAgainst } = useComparison();
  useEffect(() => void store.emit.versions(), [store, published]);
  const restore = () => {
    compare(number);
    store.restore(asked);
  };
  return (
    <>
      <PanelHead title="Versions" onClose={() => store.closePanel()} />
      <div className="ed-panel-body is-list" data-testid="versions">
        {mayEdit && <Publish />}
        {versions && !versions.length && <p className="ed-hint">Nothing is published yet. A version never changes; the draft can always be edited.</p>}
        {!versions && <p className="ed-hint">Loading …</p>}
        {(versions ?? []).map((one) => (
          <div key={one.number} className="ed-version" data-testid={`version-${one.number}`}>
            <div className="ed-version-line">
              <b>Version {one.number}</b>
              {one.live && <span className="ed-chip-status is-succeeded">Live</span>}
              <span className="ed-muted" title={new Date(one.created_at).toLocaleString()}>{ago(one.created_at)}</span>
              <span className="ed-gap" />
              <button type="button" className="ed-plain-icon" aria-pressed={number === one.number} onClick={() => compare(one.number)} aria-label={`Compare version ${one.number}`} title="What the draft, or another version, has changed since"><GitCompare size={15} /></button>
              {mayEdit && <button type="button" className="ed-plain-icon" onClick={() => setAsked(one.number)} aria-label={`Restore version ${one.number}`} title="Make it the draft"><Undo2 size={15} /></button>}
            </div>
            {one.message && <p className="ed-hint">{one.message}</p>}
            {number === one.number && <Comparison number={number} against={against} onAgainst={setAgainst} found={found} />}
          </div>
        ))}
      </div>
      <AlertDialog.Root open={asked !== null} onOpenChange={(open) => !open && setAsked(null)}>
        <AlertDialog.Content maxWidth="420px">
          <AlertDialog.Title size="4">Make version {asked} the draft?</AlertDialog.Title>
          <AlertDialog.Description size="2">The draft as it is now is replaced, with the workflow's settings; Undo brings both back. What is published stays published until you publish again.</AlertDialog.Description>
          <Flex justify="end" gap="2" mt="4">
            <AlertDialog.Cancel><Button variant="soft" color="gray">Cancel</Button></AlertDialog.Cancel>
            <AlertDialog.Action><Button onClick={restore} data-testid="restore">Restore</Button></AlertDialog.Action>
          </Flex>
        </AlertDialog.Content>
      </AlertDialog.Root>
    </>
  );
}
