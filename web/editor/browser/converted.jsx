// Nodes that were copied in another product: Python has the importer read them; here they are pasted, with what it has to say.

import React, { useEffect } from "react";
import { Button, Dialog, Flex } from "@radix-ui/themes";
import { MOST } from "./elsewhere.js";
import { pastePlace } from "./places.js";
import { useEditor, useStore } from "./store.js";

/** Has what was copied elsewhere read; it will be pasted where the pointer is now. */
export function convert(store, text) {
  if (text.length > MOST) return void store.notify("This is too long to be pasted. Save it as a file: New workflow, Import.", "warning");
  store.converting = { number: Date.now(), pointer: store.pointer };
  store.notify("Reading what was copied …");
  store.emit.convert({ workflow_id: store.state.doc.id, number: store.converting.number, text });
}

/** Pastes what the importer made of it. The answer to another page's question, or to an older one, is passed over. */
export function takeConverted(store, { number, error, remarks, ...found }) {
  const { converting } = store;
  if (number !== converting?.number) return;
  store.converting = null;
  if (error) return void store.notify(`Nothing was pasted. ${error}`, "error");
  if (!found.nodes.length) return void store.notify("Nothing was pasted: this document holds no nodes.", "warning");
  if (store.readOnly) return void store.notify("The draft can't be changed here, so that nothing was pasted.", "warning");
  store.pointer = converting.pointer;
  store.paste(found, pastePlace(store, found.nodes), { addresses: "kept" });
  const count = `${found.nodes.length} node${found.nodes.length === 1 ? "" : "s"} pasted.`;
  store.notify(count, "success");
  if (remarks.length) store.set({ remarks: { count, list: remarks } });
}

/** What could not be taken over. */
export function Remarks() {
  const store = useEditor();
  const remarks = useStore((state) => state.remarks);
  useEffect(() => () => store.set({ remarks: null }), [store]);
  const close = () => store.set({ remarks: null });
  if (!remarks) return null;
  return (
    <Dialog.Root open onOpenChange={(open) => !open && close()}>
      <Dialog.Content maxWidth="520px" data-testid="paste-remarks">
        <Dialog.Title size="4">Pasted, with something to look at</Dialog.Title>
        <Dialog.Description size="2" color="gray">{remarks.count} This could not be taken over as it was:</Dialog.Description>
        <ul className="t-remarks">
          {remarks.list.map(({ where, what }, index) => <li key={index}><b>{where}</b> {what}</li>)}
        </ul>
        <Flex justify="end"><Button onClick={close} data-testid="paste-remarks-close">Close</Button></Flex>
      </Dialog.Content>
    </Dialog.Root>
  );
}
