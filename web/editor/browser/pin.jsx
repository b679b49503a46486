// Pinned outputs: what a node puts out in test runs instead of running. And the data of a past run, brought in as pins.

import React, { useEffect, useState } from "react";
import { AlertDialog, Button, Dialog, Flex } from "@radix-ui/themes";
import { Pin, PinOff } from "lucide-react";
import { JsonBox } from "./controls.jsx";
import { nodeOf } from "./graph.js";
import { pinBegun, pinned } from "./mending.js";
import { useEditor, useStore } from "./store.js";
import { nameOf } from "./summary.js";
import { readInput, remember } from "./trial.js";

/** Why the output of a step can't be pinned, or null where it can. */
export function pinnable(step, found) {
  if (step.status !== "succeeded") return "Only the output of a step that succeeded can be pinned.";
  if (step.port !== "main") return `It left by “${step.port}”. A pin leaves by the main port, so that the run would take another way.`;
  if (Object.keys(found.output.cuts).length || found.output.files.length) return "This output is too large for a pin. Pin a smaller one by hand.";
  return found.output.value === null ? "An output of null can't be pinned." : null;
}

function PinDialog({ node, output, open, onClose }) {
  const store = useEditor();
  const [text, setText] = useState("");
  const [partial, setPartial] = useState(false);
  useEffect(() => {
    if (!open) return;
    const begun = pinBegun(node.pinned, output, store.state.data?.nodes?.[node.key]?.output);
    setText(JSON.stringify(begun.value, null, 2));
    setPartial(begun.partial);
  }, [open, node.key]);
  const { input, wrong } = readInput(text);
  const why = wrong ? `Not valid JSON: ${wrong}` : input === null ? "null means: not pinned. Write another value." : "";
  const save = () => {
    store.pin(node.key, input);
    onClose();
  };
  return (
    <Dialog.Root open={open} onOpenChange={(now) => !now && onClose()}>
      <Dialog.Content maxWidth="560px">
        <Dialog.Title size="4">Pinned output of “{nameOf(store.state, node.key)}”</Dialog.Title>
        <Dialog.Description size="2" color="gray">Test runs of the draft use this instead of running the node. Published versions pay no heed to it.</Dialog.Description>
        <div className="ed-dialog-field">
          <JsonBox value={text} onChange={setText} rows={10} most={24} aria-label="Output" data-testid="pin-text" />
          {why && <p className="ed-problem">{why}</p>}
          {partial && <p className="ed-hint">Begun with what the last run recorded: of long lists and texts only the beginnings.</p>}
        </div>
        <Flex justify="end" gap="2">
          <Button variant="soft" color="gray" onClick={onClose}>Cancel</Button>
          <Button disabled={Boolean(why)} onClick={save} data-testid="pin-save"><Pin size={14} /> Pin</Button>
        </Flex>
      </Dialog.Content>
    </Dialog.Root>
  );
}

/** Says that the node is pinned and lets go of it; opens the editor of the pin. `asked`: somebody wants to write one, beginning
 * with the `output` that is looked at (`values.shown`), if there is one. */
export function PinBanner({ node, output, asked, onAsked }) {
  const store = useEditor();
  const has = node.pinned !== null && node.pinned !== undefined;
  return (
    <>
      {has && (
        <div className="ed-banner is-pinned" data-testid="pinned">
          <Pin size={15} aria-hidden="true" />
          <span>Pinned: test runs use this output instead of running the node.</span>
          <button className="ed-plain-link" onClick={() => onAsked(true)} data-testid="pin-edit">Edit</button>
          <button className="ed-plain-icon" onClick={() => store.pin(node.key, null)} aria-label="Unpin" title="Unpin" data-testid="unpin"><PinOff size={14} /></button>
        </div>
      )}
      <PinDialog node={node} output={output} open={asked} onClose={() => onAsked(false)} />
    </>
  );
}

const names = (keys) => (keys.length > 4 ? `${keys.slice(0, 4).join(", ")} and ${keys.length - 4} others` : keys.join(", "));

/** The data of the past run that the address names, offered once it is here; asks where it would take the place of other pins. */
export function CopiedRun() {
  const store = useEditor();
  const offered = useStore((state) => state.offered);
  const load = useStore((state) => state.doc?.load);
  useEffect(() => {
    const wanted = new URLSearchParams(location.search).get("pins");
    if (!load || !wanted) return;
    history.replaceState(history.state, "", location.pathname);
    store.emit.pins(wanted);
  }, [store, load]);
  const found = offered && !store.readOnly ? pinned(store.state.graph, offered.pins) : null;
  const take = (operations) => {
    const left = offered.left.filter(({ node }) => nodeOf(store.state.graph, node));
    if (offered.input !== null) remember(store.state.doc.id, JSON.stringify(offered.input, null, 2));
    store.edit(operations);
    store.set({ offered: null });
    const count = !operations.length ? "Run uses the input of that run now. None of its outputs could be pinned." : `${operations.length} output${operations.length === 1 ? "" : "s"} of that run ${operations.length === 1 ? "is" : "are"} pinned, and Run uses its input. Undo takes the pins back.`;
    store.notify([count, ...left.map(({ node, reason }) => `${node} is not pinned: ${reason}.`)].join("\n"), "success");
  };
  const ask = Boolean(found?.replaced.length);
  useEffect(() => {
    if (found && !ask) take(found.operations);
    if (!offered || found) return;
    store.set({ offered: null });
    store.notify("The draft can't be changed here, so that nothing of that run is pinned.", "warning");
  }, [offered]);
  if (!ask) return null;
  const others = found.operations.filter((operation) => !found.replaced.includes(operation.key));
  return (
    <AlertDialog.Root open onOpenChange={(open) => !open && store.set({ offered: null })}>
      <AlertDialog.Content maxWidth="460px">
        <AlertDialog.Title size="4">Replace what is pinned?</AlertDialog.Title>
        <AlertDialog.Description size="2">{names(found.replaced)} {found.replaced.length === 1 ? "has a pin" : "have pins"} already. The data of that run would take their place.</AlertDialog.Description>
        <Flex justify="end" gap="2" mt="4" wrap="wrap">
          <AlertDialog.Cancel><Button variant="soft" color="gray">Cancel</Button></AlertDialog.Cancel>
          <Button variant="soft" onClick={() => take(others)} data-testid="pins-keep">Keep those</Button>
          <Button onClick={() => take(found.operations)} data-testid="pins-replace">Replace</Button>
        </Flex>
      </AlertDialog.Content>
    </AlertDialog.Root>
  );
}
