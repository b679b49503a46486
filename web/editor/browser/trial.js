// The input of test runs: what was typed last for a workflow, in this browser, or is kept for it.

import { parsed } from "./integers.js";

const memory = (id) => `trestle.input.${id}`;

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

const typed = ({ doc }) => localStorage.getItem(memory(doc?.id));
const kept = ({ inputs }) => inputs?.[0]?.input ?? null;

/** The next test run's input as text, of the store's state: as it was typed last, or else the first that is kept; empty where there is none. */
export const nextText = (state) => typed(state) ?? (kept(state) === null ? "" : JSON.stringify(kept(state), null, 2));

/** The input that the next test run gets: `{input}`, null where there is none, or `{wrong}`. */
export const nextInput = (state) => (typed(state) === null ? { input: kept(state) } : readInput(typed(state)));

/** The same where a text that is wrong counts as none. */
export const trialOf = (state) => nextInput(state).input ?? null;
