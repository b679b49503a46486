// The draft as a document: to a file, or to the clipboard.

import React from "react";
import { DropdownMenu, IconButton } from "@radix-ui/themes";
import { Download } from "lucide-react";
import { parsed } from "./integers.js";
import { copyText } from "./json_view.jsx";
import { useEditor, useStore } from "./store.js";

// As the workflows page calls them (workflow_rows.py).
const fileName = (name, form) => `${name.replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-+|-+$/g, "").toLowerCase() || "workflow"}.${form}`;

export function ExportMenu() {
  const store = useEditor();
  const { id, name } = useStore((state) => state.doc);
  const copy = async () => {
    const answer = await fetch(`/exports/${id}.json`);
    const text = await answer.text();
    if (!answer.ok) return store.notify(text, "error");
    await copyText(JSON.stringify(parsed(text), null, 2));
    return store.notify("Copied. Paste it onto another canvas, or import it elsewhere.", "success");
  };
  return (
    <DropdownMenu.Root>
      <DropdownMenu.Trigger>
        <IconButton variant="ghost" color="gray" aria-label="Export" title="Export" data-testid="export-open"><Download size={16} /></IconButton>
      </DropdownMenu.Trigger>
      <DropdownMenu.Content align="end">
        {["json", "yaml"].map((form) => (
          <DropdownMenu.Item key={form} asChild><a href={`/exports/${id}.${form}`} download={fileName(name, form)}>Download as {form.toUpperCase()}</a></DropdownMenu.Item>
        ))}
        <DropdownMenu.Item onSelect={() => void copy()} data-testid="export-copy">Copy as JSON</DropdownMenu.Item>
      </DropdownMenu.Content>
    </DropdownMenu.Root>
  );
}
