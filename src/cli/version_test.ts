import { assertEquals, assertMatch } from "@std/assert";
import settings from "../../deno.json" with { type: "json" };
import { version, versionLine } from "./version.ts";

Deno.test("the version is that of the project", () => {
  assertEquals(version, settings.version);
  assertMatch(versionLine(), /^Holdfast v\d+\.\d+\.\d+ /);
});
