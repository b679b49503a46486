// Calls functions of the editor's pure modules for the tests: a line `[module, function, ...arguments]` in, a line of JSON out.

import { createInterface } from "node:readline";
import { parsed } from "../../../web/editor/browser/integers.js";

const folder = new URL("../../../web/editor/browser/", import.meta.url);
const plain = (value) => (value === undefined ? { undefined: true } : { value });

for await (const line of createInterface({ input: process.stdin })) {
  const [name, call, ...values] = parsed(line);
  try {
    const module = await import(new URL(name, folder));
    console.log(JSON.stringify(plain(module[call](...values))));
  } catch (error) {
    console.log(JSON.stringify({ error: String(error) }));
  }
}
