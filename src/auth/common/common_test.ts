/** What all auth methods lean on. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { Failure } from "../../base/failure.ts";
import { applyFormerNames, keepFormerValues } from "./former_names.ts";
import {
  changeTokenParams,
  defaultTokenParams,
  readCidrs,
  type TokenFieldValues,
} from "./token_fields.ts";
import { Turnstile } from "./turnstile.ts";

Deno.test("a turnstile lets its width through at once and sends the overflow away", async () => {
  const turnstile = new Turnstile(2, 3);
  let running = 0;
  let most = 0;
  const gates: (() => void)[] = [];
  const work = async () => {
    most = Math.max(most, ++running);
    await new Promise<void>((resolve) => gates.push(resolve));
    running--;
  };
  const passes = Array.from({ length: 5 }, () => turnstile.pass(work));
  const refused = await assertRejects(() => turnstile.pass(work), Failure);
  assertEquals([refused.status, refused.headers?.["Retry-After"]], [503, "1"]);
  while (gates.length > 0 || running > 0) {
    gates.shift()?.();
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  await Promise.all(passes);
  assertEquals(most, 2);
});

Deno.test("work that fails leaves the turnstile free", async () => {
  const turnstile = new Turnstile(1, 0);
  for (let i = 0; i < 3; i++) {
    await assertRejects(
      () => turnstile.pass(() => Promise.reject(new Failure(400, "no"))),
      Failure,
    );
  }
  assertEquals(await turnstile.pass(() => Promise.resolve(1)), 1);
});

Deno.test("what a request does not say stays as it was", () => {
  const before = { ...defaultTokenParams, policies: ["a"], ttl: 60, numUses: 3 };
  assertEquals(changeTokenParams(before, {}), before);
  const after = changeTokenParams(before, { token_ttl: 5, token_policies: ["B", "a"] });
  assertEquals([after.ttl, after.policies, after.numUses], [5, ["a", "b"], 3]);
});

Deno.test("token fields that can't be are refused", () => {
  const bad: readonly TokenFieldValues[] = [
    { token_ttl: 7200, token_max_ttl: 3600 },
    { token_ttl: -1 },
    { token_period: -1 },
    { token_num_uses: -1 },
    { token_type: "bogus" },
    { token_type: "batch", token_period: 60 },
    { token_type: "batch", token_num_uses: 1 },
    { token_bound_cidrs: ["10.0.0.0/33"] },
    { token_bound_cidrs: ["junk"] },
  ];
  for (const given of bad) {
    const change = () => changeTokenParams(defaultTokenParams, given);
    assertThrows(change, Failure);
  }
});

Deno.test("one address is shown without its bits, a range with them", () => {
  const texts = ["127.0.0.1/32", "10.0.0.0/8", "::1/128", "fe80::/10", "192.168.0.1"];
  const shown = ["127.0.0.1", "10.0.0.0/8", "::1", "fe80::/10", "192.168.0.1"];
  assertEquals(readCidrs("x", texts), shown);
});

Deno.test("a former name counts for the new one and is shown until the new one is written", () => {
  const names = { policies: "token_policies" };
  const first = applyFormerNames(names, { policies: ["a"], token_policies: undefined });
  assertEquals(first.given.token_policies, ["a"]);
  const kept = keepFormerValues(names, {}, first, { token_policies: ["a"] });
  assertEquals(kept, { policies: ["a"] });
  const second = applyFormerNames(names, { policies: ["b"], token_policies: ["c"] });
  assert(second.given.token_policies?.includes("c"), "the new name wins");
  assertEquals(keepFormerValues(names, kept, second, { token_policies: ["c"] }), {});
});
