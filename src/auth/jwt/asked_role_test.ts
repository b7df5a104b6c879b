import { assertEquals } from "@std/assert";
import { roleOfToken } from "./asked_role.ts";

Deno.test("a token's role is told by the role's own name, however it was asked for", () => {
  assertEquals(roleOfToken({ role: "Web", maxTtl: 0 }), "web");
  assertEquals(roleOfToken({ username: "web" }), undefined);
});
