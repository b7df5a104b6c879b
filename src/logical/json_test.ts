/** Request bodies as JSON. */
import { assertEquals } from "@std/assert";
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
