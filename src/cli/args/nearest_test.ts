import { assertEquals } from "@std/assert";
import { editDistance, nearest } from "./nearest.ts";

Deno.test("typing errors are recognised, other words are not", () => {
  const names = ["status", "secrets", "server", "token"];
  assertEquals(nearest("stauts", names), "status");
  assertEquals(nearest("secret", names), "secrets");
  assertEquals(nearest("zzz", names), undefined);
});

Deno.test("a swap of neighbours is one edit, as are insert, delete and replace", () => {
  assertEquals(editDistance("kitten", "sitting"), 3);
  assertEquals(editDistance("", "abc"), 3);
  assertEquals(editDistance("gte", "get"), 1);
  assertEquals(editDistance("abc", "abc"), 0);
});
