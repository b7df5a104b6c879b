/** Request bodies as JSON. */
import { assertEquals, assertThrows } from "@std/assert";
import { Failure } from "../base/failure.ts";
import { defaultJsonLimits, parseJsonBody } from "./json.ts";

Deno.test("half a surrogate pair becomes U+FFFD, whole pairs and escaped backslashes stay", () => {
  const parse = (text: string) => parseJsonBody(`{"a":"${text}"}`, defaultJsonLimits)["a"];
  assertEquals(parse("\\ud800"), "\ufffd");
  assertEquals(parse("x\\uDC00y\\uD83Dz"), "x\ufffdy\ufffdz");
  assertEquals(parse("\\ud83d\\ude00"), "\u{1f600}");
  assertEquals(parse("\\ud83d\\ud83d\\ude00"), "\ufffd\u{1f600}");
  assertEquals(parse("\\\\ud800"), "\\ud800");
  assertEquals(parse("\\\\\\ud800"), "\\\ufffd");
});

Deno.test("a body of more tokens than the limit is refused, one of as many is not", () => {
  const body = '{"a":[1,{"b":"x"}],"c":null}'; // { a [ 1 { b x } ] c null }
  const parse = (maxTokens: number) => parseJsonBody(body, { ...defaultJsonLimits, maxTokens });
  assertEquals(parse(12), { a: [1, { b: "x" }], c: null });
  assertThrows(() => parse(11), Failure, "more than 11 tokens");
});
