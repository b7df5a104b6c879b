/** Keys come back as they were, whatever they are made of. */
import { assertEquals, assertThrows } from "@std/assert";
import { textBytes, TextRun, writeText } from "./key_text.ts";

const encoder = new TextEncoder();
const texts = ["", "a", "sys/token/id/0123", "é", "a/é/b", "日本", "a/😀", "\u007f\u0080", "x\0y"];

Deno.test("a text is written as UTF-8, and counted", () => {
  for (const text of texts) {
    const target = new Uint8Array(100);
    const plain = encoder.encode(text);
    assertEquals(writeText(target, 7, text), plain.length);
    assertEquals(target.subarray(7, 7 + plain.length), plain);
    assertEquals(textBytes(text), plain.length);
  }
});

Deno.test("texts that lie apart are decoded together, with and without what is not ASCII", () => {
  const ascii = texts.filter((text) => textBytes(text) === text.length);
  for (const some of [texts, ascii, []]) {
    const source = encoder.encode(some.map((text) => `..${text}`).join(""));
    const run = new TextRun(source.length);
    let at = 0;
    for (const text of some) {
      const end = at + 2 + textBytes(text);
      run.add(source, at + 2, end);
      at = end;
    }
    assertEquals(run.decode(), [...some]);
  }
});

Deno.test("what is not UTF-8 is refused, also where two halves would make a whole", () => {
  const source = new Uint8Array([0x61, 0xc3, 0xa9]);
  const run = new TextRun(3);
  run.add(source, 0, 2);
  run.add(source, 2, 3);
  assertThrows(() => run.decode(), TypeError);
});
