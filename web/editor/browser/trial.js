// The input of test runs: what was typed last for a workflow, in this browser, or is kept for it.

import { parsed } from "./integers.js";

const memory = (id) => `trestle.input.${id}`;

/** The text that was typed last, or empty. */
export const rememberedInput = (id) => localStorage.getItem(memory(id)) ?? "";

export const remember = (id, text) => localStorage.setItem(memory(id), text);

/** JSON text → `{input}` or `{wrong}`. Empty: no input. */
export function readInput(text) {
  if (!text.trim()) return { input: null };
  try {
    return { input: parsed(text) };
  } catch (problem) {
    return { wrong: problem.message };
  }
}

/** The input that the next test run would get, of the store's state. Null: none is known. */
export const trialOf = ({ doc, inputs }) => readInput(rememberedInput(doc?.id)).input ?? inputs?.[0]?.input ?? null;
