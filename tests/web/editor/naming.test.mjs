// What people are told of nodes: their names, as the cards have them.

import assert from "node:assert/strict";
import test from "node:test";
import { Drawing } from "../../../web/editor/browser/drawing.js";
import { listed, naming, spoken, wordsFor } from "../../../web/editor/browser/naming.js";

const node = (key, type, name = "", config = {}) => ({ key, type, name, config, position: { x: 0, y: 0 } });
const NODES = [node("hook", "trigger.webhook"), node("set", "set", "Hot lead"), node("set_2", "set"), node("set_3", "set"), node("n", "note", "", { text: "## Ask Ada\nfirst" })];
const STATE = { graph: { nodes: NODES, connections: [] }, catalogue: { "trigger.webhook": { title: "Webhook" }, set: { title: "Set fields" } } };

test("a node is called as its card is, with its key where others are called the same", () => {
  const name = naming(STATE, [node("gone", "set", "Was here")]);
  assert.deepEqual(["hook", "set", "set_2", "n", "gone", "nobody"].map(name), ["“Webhook”", "“Hot lead”", "“Set fields” (set_2)", "“Ask Ada”", "“Was here”", "“nobody”"]);
});

test("an operation in words", () => {
  const name = naming(STATE);
  const words = (operation) => wordsFor(operation, name);
  assert.equal(words({ op: "configure_node", key: "set", fields: { name: "Mine" } }), "the name of “Hot lead”");
  assert.equal(words({ op: "configure_node", key: "set", fields: { name: "Mine", config: {} } }), "the settings of “Hot lead”");
  assert.equal(words({ op: "connect", source: "hook", target: "set_3" }), "the connection from “Webhook” to “Set fields” (set_3)");
  assert.equal(words({ op: "remove_nodes", keys: ["hook", "set"] }), "deleting “Webhook” and “Hot lead”");
  assert.equal(words({ op: "move_nodes", moves: NODES.map(({ key }) => ({ key })) }), "the place of “Webhook”, “Hot lead”, “Set fields” (set_2) and 2 more");
  assert.equal(words({ op: "rename_node", key: "set", new_key: "lead" }), "the key of “Hot lead”");
  assert.equal(words({ op: "add_node", node: NODES[0] }), "adding “Webhook”");
  assert.equal(listed(["a"]), "a");
});

test("a reason of the backend's names nodes as people do, keys stay keys", () => {
  const name = naming(STATE);
  assert.equal(spoken("The node “set” is not there any more.", name), "The node “Hot lead” is not there any more.");
  assert.equal(spoken("There is a node with the key “set” already. Choose another.", name), "There is a node with the key “set” already. Choose another.");
  assert.equal(spoken("The connections form a cycle: set → hook → set. Remove one of them.", name), "The connections form a cycle: “Hot lead” → “Webhook” → “Hot lead”. Remove one of them.");
});

test("a step that is left out says because of which nodes, those that are gone too", (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const drawing = new Drawing({ operations: () => undefined });
  const says = () => drawing.state.notice.text;
  drawing.load({ mode: "edit", id: "w", revision: 1, ...structuredClone(STATE.graph) });
  drawing.set({ catalogue: STATE.catalogue });
  drawing.setField("set", "notes", "Mine");
  drawing.edit(["hook", "set_2"].map((key) => ({ op: "configure_node", key, fields: { disabled: true } })));
  drawing.hear({ revision: 2, own: true, operations: [{ op: "configure_node", key: "set_2", fields: { disabled: false } }] });
  assert.match(says(), /^You have changed .* in another tab/);
  drawing.hear({ revision: 3, own: false, operations: [{ op: "remove_nodes", keys: ["set"] }] });
  assert.match(says(), /^Somebody else has changed this workflow just now; you see it as it is.$/);
  drawing.undo();
  assert.equal(says(), "Since then there were other changes to “Set fields” (set_2): that step is left out.");
  drawing.undo();
  assert.equal(says(), "Since then there were other changes to “Hot lead”: that step is left out.");
});
