// Whole numbers beyond 2^53: what is read is what is written, in browsers with JSON.rawJSON and in those without.

import assert from "node:assert/strict";
import test from "node:test";

const folder = new URL("../../../web/editor/browser/", import.meta.url);
const ID = "1234567890123456789";
const TEXTS = [
  ID, `-${ID}`, `[${ID},9007199254740991,9007199254740992,-1]`, `{"id":${ID},"of":{"${ID}":"${ID} \\" ${ID}\\\\"}}`, `[0.${ID}1,1e-${ID.slice(0, 16)},"\\\\",${"9".repeat(40)}]`, '"text"', "null",
];

async function agree(module) {
  const { parsed, numberOf, isWhole, typeOf } = await import(new URL(module, folder));
  for (const text of TEXTS) {
    const plain = JSON.parse(text);
    const found = parsed(text);
    assert.equal(typeof found, typeof plain === "number" ? "bigint" : typeof plain);
    if (!/\.|e-/.test(text)) assert.equal(JSON.stringify(found), text);
  }
  const mixed = parsed(TEXTS[4]);
  assert.deepEqual([mixed[0], mixed[1], mixed[2], String(mixed[3])], [0.12345678901234568, 0, "\\", "9".repeat(40)]);
  assert.equal(JSON.stringify({ a: [parsed(ID)] }, null, 1), `{\n "a": [\n  ${ID}\n ]\n}`);
  assert.equal(JSON.stringify(undefined), undefined);
  assert.equal(parsed("9007199254740991"), 9007199254740991);
  assert.throws(() => parsed(`{"id": ${ID}`), SyntaxError);
  assert.deepEqual([numberOf(` ${ID} `), numberOf("1,5"), numberOf("12"), numberOf("x")], [BigInt(ID), 1.5, 12, NaN]);
  assert.deepEqual([isWhole(1n), isWhole(1), isWhole(1.5), typeOf(1n), typeOf("1")], [true, true, false, "number", "string"]);
}

test("whole numbers of any size are read and written as they are", () => agree("integers.js"));

test("the same where JSON.rawJSON is missing", async () => {
  const { rawJSON, stringify } = JSON;
  const { toJSON } = BigInt.prototype;
  delete JSON.rawJSON;
  try {
    await agree("integers.js?old");
  } finally {
    Object.assign(JSON, { rawJSON, stringify });
    BigInt.prototype.toJSON = toJSON;
  }
});

test("a long text without such numbers costs little more than reading it, and one with them can be read at all", async () => {
  const { parsed } = await import(new URL("integers.js", folder));
  const long = JSON.stringify({ text: 'a "quoted" \\ word, '.repeat(500_000), ids: Array(1000).fill(BigInt(ID)) });
  const found = parsed(long);
  assert.equal(found.ids.at(-1), BigInt(ID));
  assert.equal(found.text.length, 9_500_000);
});
