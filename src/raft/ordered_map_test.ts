/** A cursor answers as the map would, whatever came and went since it was asked last. */
import { strict as assert } from "node:assert";
import { successor } from "./key_order.ts";
import { OrderedMap } from "./ordered_map.ts";
import { seeded } from "./testing.ts";

Deno.test("a cursor agrees with the map under random changes and jumps", () => {
  for (let seed = 1; seed <= 20; seed++) {
    const draw = seeded(seed);
    const map = new OrderedMap<number>();
    const cursor = map.cursor();
    const key = () => `k/${draw(3000)}`;
    for (let i = 0; i < 2000; i++) map.set(key(), i);
    let at = "";
    for (let step = 0; step < 5000; step++) {
      const kind = draw(10);
      if (kind === 0) map.set(key(), step);
      else if (kind === 1) map.delete(key());
      else if (kind === 2) at = key();
      const next = draw(2) === 0;
      const expected = map.ceiling(next ? successor(at) : at);
      assert.equal(next ? cursor.next(at) : cursor.ceiling(at), expected, `seed ${seed}, at ${at}`);
      at = expected ?? "";
    }
  }
});

Deno.test("a cursor over an empty map finds what comes into it", () => {
  const map = new OrderedMap<number>();
  const cursor = map.cursor();
  assert.equal(cursor.ceiling(""), undefined);
  map.set("a", 1);
  assert.equal(cursor.ceiling(""), "a");
  assert.equal(cursor.next("a"), undefined);
  map.clear();
  assert.equal(cursor.ceiling(""), undefined);
});
