import { assertEquals } from "@std/assert";
import { freePortIn } from "./testing.ts";

Deno.test("a port that was just given out is not given out again, though nobody listens yet", () => {
  for (let round = 0; round < 20; round++) {
    const ports = Array.from({ length: 5 }, () => freePortIn(24_900, 20, 2));
    assertEquals(new Set(ports).size, 5, `${ports}`);
  }
});
