// What was copied in another product: whether a text may be such a document. Pure.

import { parsed } from "./integers.js";

/** Characters of a text that go through the page's connection at once; the API takes more. */
export const MOST = 500_000;

const YAML = /^(trestle|nodes|definition)\s*:/m;

/** Whether the importer might read this text: an object with nodes or steps, or a document of ours as YAML. Else it is nobody's business. */
export function maybeDocument(text) {
  if (!text.trimStart().startsWith("{")) return YAML.test(text);
  try {
    const value = parsed(text);
    return Array.isArray(value.nodes) || typeof value.definition === "object";
  } catch {
    return false;
  }
}
