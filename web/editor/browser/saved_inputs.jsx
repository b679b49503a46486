// The test inputs that people keep for a workflow: one click puts one into the box.

import React, { useEffect, useState } from "react";
import { Button, Flex, TextField } from "@radix-ui/themes";
import { Bookmark, Trash2 } from "lucide-react";
import { useEditor, useStore } from "./store.js";

/** `text` is what stands in the box, `input` its value (undefined where it is no JSON); `take` puts another text there. */
export function SavedInputs({ input, wrong, take }) {
  const store = useEditor();
  const inputs = useStore((state) => state.inputs);
  const [name, setName] = useState("");
  useEffect(() => void store.emit.inputs(), [store]);
  const save = () => {
    store.emit.saveInput({ name: name.trim(), input });
    setName("");
  };
  return (
    <div className="ed-inputs" data-testid="saved-inputs">
      {inputs?.length > 0 && (
        <ul>
          {inputs.map((one) => (
            <li key={one.id}>
              <button type="button" className="ed-input-name" onClick={() => take(JSON.stringify(one.input, null, 2))} title="Put it into the box"><Bookmark size={13} aria-hidden="true" /> {one.name}</button>
              <button type="button" className="ed-plain-icon" onClick={() => store.emit.deleteInput(one.id)} aria-label={`Delete ${one.name}`} title="Delete"><Trash2 size={13} /></button>
            </li>
          ))}
        </ul>
      )}
      <Flex gap="2">
        <TextField.Root size="1" value={name} onChange={(event) => setName(event.target.value)} placeholder="Name, to keep it" maxLength={100} aria-label="Name of the input" style={{ flex: 1 }}
          onKeyDown={(event) => event.key === "Enter" && name.trim() && !wrong && save()} data-testid="input-name" />
        <Button size="1" variant="soft" color="gray" disabled={!name.trim() || Boolean(wrong)} onClick={save} data-testid="input-save">Keep this input</Button>
      </Flex>
    </div>
  );
}
