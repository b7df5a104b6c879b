import { assertEquals, assertThrows } from "@std/assert";
import { Failure } from "../base/failure.ts";
import { LoadGate } from "./load_gate.ts";

const refusal = (work: () => void) => {
  const failure = assertThrows(work, Failure);
  assertEquals([failure.status, failure.headers?.["retry-after"]], [503, "1"]);
};
const post = () => new Request("http://a/v1/kv/a", { method: "POST", body: "{}" });

Deno.test("one mount has half of the places, reads and writes have their own", () => {
  const gate = new LoadGate({ reads: 2, writes: 4, bodyBytes: 0 });
  const leave = gate.enter("kv/a", false);
  gate.enter("kv/b", false);
  refusal(() => gate.enter("kv/c", false));
  gate.enter("auth/approle/login", false);
  gate.enter("auth/userpass/login/a", false);
  refusal(() => gate.enter("other/a", false));
  gate.enter("kv/c", true);
  refusal(() => gate.enter("kv/c", true));
  gate.enter("sys/health", true);
  gate.enter("sys/step-down", false);
  leave();
  gate.enter("other/a", false);
  assertEquals(gate.refused, 3);
});

Deno.test("an event loop that is late leaves fewer places until it is in time again", () => {
  const gate = new LoadGate({ reads: 16, writes: 16, bodyBytes: 0 });
  for (let n = 0; n < 50; n++) gate.pulse(200);
  assertEquals(gate.share, 1 / 16);
  const leave = gate.enter("kv/a", true);
  refusal(() => gate.enter("other/a", true));
  gate.enter("sys/health", true);
  for (let n = 0; n < 10; n++) gate.pulse(20);
  gate.enter("other/a", true);
  leave();
  for (let n = 0; n < 100; n++) gate.pulse(0);
  assertEquals(gate.share, 1);
});

Deno.test("large bodies have a budget together, and one alone may be larger than it", () => {
  const gate = new LoadGate({ reads: 1, writes: 1, bodyBytes: 100 });
  const [first, second] = [post(), post()];
  gate.hold(first, 90);
  gate.hold(first, 90);
  refusal(() => gate.hold(second, 1));
  gate.release(first);
  gate.release(first);
  gate.hold(second, 50);
  gate.hold(first, 50);
  refusal(() => gate.hold(first, 1));
  assertEquals(gate.bodyBytes, 100);
  gate.release(first);
  gate.release(second);
  assertEquals(gate.bodyBytes, 0);
});

Deno.test("small bodies are not counted until many are on their way", () => {
  const gate = new LoadGate();
  assertEquals(gate.beginSmall(NaN), false);
  assertEquals(gate.beginSmall(65_537), false);
  for (let n = 0; n < 1024; n++) assertEquals(gate.beginSmall(10), true);
  assertEquals(gate.beginSmall(10), false);
  gate.endSmall();
  assertEquals(gate.beginSmall(10), true);
});
