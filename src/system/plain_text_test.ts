/** Policies in base64, and words that only look so. */
import { assertEquals } from "@std/assert";
import { toBase64, utf8 } from "../base/bytes.ts";
import { plainText } from "./plain_text.ts";

Deno.test("base64 is decoded; a policy and a word whose bytes are no text stay", () => {
  const policy = 'path "a" { capabilities = ["read"] }';
  assertEquals(plainText(toBase64(utf8(policy)), /[{"\s]/), policy);
  assertEquals(plainText(policy, /[{"\s]/), policy);
  assertEquals(plainText("root", /[{"\s]/), "root");
});
