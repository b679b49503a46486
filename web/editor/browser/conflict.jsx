// What was just edited was changed elsewhere, too: a choice, never a silent loss. The dialog itself has the focus, no button: whoever is
// still typing neither writes on in the field behind nor decides by a space.

import React from "react";
import { AlertDialog, Button, Flex } from "@radix-ui/themes";
import { naming, spoken, wordsFor } from "./naming.js";
import { useEditor, useStore } from "./store.js";

const focusItself = (event) => {
  event.preventDefault();
  event.currentTarget.focus();
};

export function ConflictDialog() {
  const store = useEditor();
  const conflict = useStore((state) => state.conflict);
  const name = conflict && naming({ graph: conflict.local, catalogue: store.state.catalogue }); // as they were called before
  const changes = [...new Set((conflict?.operations ?? []).map((operation) => wordsFor(operation, name)))];
  return (
    <AlertDialog.Root open={Boolean(conflict)}>
      <AlertDialog.Content maxWidth="480px" onOpenAutoFocus={focusItself} data-testid="conflict">
        <AlertDialog.Title size="4">Changed elsewhere, too</AlertDialog.Title>
        <AlertDialog.Description size="2">{conflict && spoken(conflict.reason, name)} Of what you did, this is not stored yet: {changes.slice(0, 6).join("; ")}{changes.length > 6 && ` and ${changes.length - 6} more`}.</AlertDialog.Description>
        <Flex justify="end" gap="2" mt="4" wrap="wrap">
          <Button variant="soft" color="gray" onClick={() => store.settleConflict(false)} data-testid="take-theirs">Take the other</Button>
          <Button onClick={() => store.settleConflict(true)} data-testid="keep-mine">Keep mine</Button>
        </Flex>
      </AlertDialog.Content>
    </AlertDialog.Root>
  );
}
