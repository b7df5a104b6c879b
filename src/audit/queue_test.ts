import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { ManualClock } from "../core/testing/kit.ts";
import type { AuditDevice } from "./device.ts";
import { DeviceQueue } from "./queue.ts";

/** Takes lines when it is told to. */
class SlowDevice implements AuditDevice {
  readonly batches: (readonly string[])[] = [];
  #end = Promise.withResolvers<void>();

  async write(lines: readonly string[]): Promise<void> {
    this.batches.push(lines);
    await this.#end.promise;
  }
  finish(): void {
    this.#end.resolve();
    this.#end = Promise.withResolvers<void>();
  }
  reopen(): Promise<void> {
    return Promise.resolve();
  }
  close(): Promise<void> {
    return Promise.resolve();
  }
}

function start(linesMax = 4) {
  const device = new SlowDevice();
  const clock = new ManualClock();
  const limits = { linesMax, charactersMax: 1000, deadlineMs: 5000 };
  return { device, clock, queue: new DeviceQueue(device, clock, limits) };
}

Deno.test("what gathers during a write goes out together with the next one", async () => {
  const { device, queue } = start();
  const lines = ["a", "b", "c"].map((line) => queue.add(line));
  assertEquals(device.batches, [["a"]]);
  device.finish();
  await lines[0];
  await Promise.resolve();
  assertEquals(device.batches, [["a"], ["b", "c"]]);
  device.finish();
  await Promise.all(lines);
  assertEquals(queue.waiting, 0);
});

Deno.test("a full queue refuses at once, in lines and in characters", () => {
  const { queue } = start(2);
  queue.add("a");
  queue.add("b");
  assertThrows(() => queue.add("c"), Error, "its queue is full (2 lines)");
  const { queue: other } = start(100);
  other.add("x".repeat(1000));
  assertThrows(() => other.add("y"), Error, "its queue is full");
});

Deno.test("a device that hangs fails its lines, then every line at once, until it is back", async () => {
  const { device, clock, queue } = start();
  const [first, second] = [queue.add("a"), queue.add("b")];
  const both = Promise.all([first, second].map((line) => assertRejects(() => line, Error, "5000")));
  await clock.advance(5000);
  await both;
  assertThrows(() => queue.add("c"), Error, "hanging");
  device.finish();
  await new Promise((resolve) => setTimeout(resolve, 0));
  const back = queue.add("d");
  device.finish();
  await back;
  assertEquals(device.batches, [["a"], ["d"]]);
});
