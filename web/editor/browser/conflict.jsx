// Somebody else changed what was just edited: a choice, never a silent loss. The dialog itself has the focus, no button: whoever is
// still typing neither writes on in the field behind nor decides by a space.

import React from "react";
import { AlertDialog, Button, Flex } from "@radix-ui/themes";
import { useEditor, useStore } from "./store.js";

const WORDS = { configure_node: "settings of", rename_node: "the key of", remove_nodes: "deleting", move_nodes: "the place of", add_node: "adding", connect: "a connection from", disconnect: "a connection from" };
const about = (operation) => `${WORDS[operation.op] ?? "a change of"} ${operation.key ?? operation.node?.key ?? operation.source ?? (operation.keys ?? operation.moves?.map((move) => move.key) ?? []).join(", ")}`;

const focusItself = (event) => {
  event.preventDefault();
  event.currentTarget.focus();
};

export function ConflictDialog() {
  const store = useEditor();
  const conflict = useStore((state) => state.conflict);
  const changes = [...new Set((conflict?.operations ?? []).map(about))];
  return (
    <AlertDialog.Root open={Boolean(conflict)}>
      <AlertDialog.Content maxWidth="480px" onOpenAutoFocus={focusItself} data-testid="conflict">
        <AlertDialog.Title size="4">Changed by somebody else, too</AlertDialog.Title>
        <AlertDialog.Description size="2">{conflict?.reason} Of what you did, this is not stored yet: {changes.slice(0, 6).join("; ")}{changes.length > 6 && ` and ${changes.length - 6} more`}.</AlertDialog.Description>
        <Flex justify="end" gap="2" mt="4" wrap="wrap">
          <Button variant="soft" color="gray" onClick={() => store.settleConflict(false)} data-testid="take-theirs">Take theirs</Button>
          <Button onClick={() => store.settleConflict(true)} data-testid="keep-mine">Keep mine</Button>
        </Flex>
      </AlertDialog.Content>
    </AlertDialog.Root>
  );
}
