import { assert, assertEquals } from "@std/assert";
import { testClock } from "../crypto/testing.ts";
import { RateLimiter } from "./rate_limiter.ts";
import { type RateLimitRule, ruleFor } from "./rule.ts";

function rule(changed: Partial<RateLimitRule>): RateLimitRule {
  return {
    name: "r",
    path: "",
    role: "",
    inheritable: true,
    rate: 3,
    interval: 1,
    blockInterval: 0,
    ...changed,
  };
}

Deno.test("the narrowest rule holds, alone", () => {
  const rules = [
    rule({ name: "all" }),
    rule({ name: "mount", path: "kv/" }),
    rule({ name: "glob", path: "kv/team/*" }),
    rule({ name: "exact", path: "kv/team/a" }),
    rule({ name: "role", path: "auth/up/", role: "ann" }),
  ];
  const held = (path: string, mount: string, role = "") =>
    ruleFor(rules, { path, mount, role })?.name;
  assertEquals(held("sys/mounts", "sys/"), "all");
  assertEquals(held("kv/x", "kv/"), "mount");
  assertEquals(held("kv/team/b", "kv/"), "glob");
  assertEquals(held("kv/team/a", "kv/"), "exact");
  assertEquals(held("auth/up/login/ann", "auth/up/", "ann"), "role");
  assertEquals(held("auth/up/login/bob", "auth/up/", "bob"), "all");
});

Deno.test("a caller has so many requests an interval, and others are not touched", () => {
  let now = 0;
  const limiter = new RateLimiter({ ...testClock(), monotonic: () => now });
  const take = (caller: string) => limiter.take(rule({}), caller);
  assertEquals([1, 2, 3, 4].map(() => take("a").allowed), [true, true, true, false]);
  assert(take("b").allowed);
  now += 1000;
  assertEquals([1, 2, 3, 4].map(() => take("a").remaining), [2, 1, 0, 0]);
});

Deno.test("who breaks the limit is refused for the block interval", () => {
  let now = 0;
  const limiter = new RateLimiter({ ...testClock(), monotonic: () => now });
  const take = () => limiter.take(rule({ rate: 1, blockInterval: 10 }), "a");
  take();
  const refused = take();
  assertEquals([refused.allowed, refused.resetSeconds], [false, 10]);
  now += 9_999;
  assert(!take().allowed);
  now += 2;
  assert(take().allowed);
});
