import { assertEquals } from "@std/assert";
import { silentLogger } from "../base/log.ts";
import { ManualClock } from "../core/testing/kit.ts";
import { AuditBroker } from "./broker.ts";
import type { AuditDevice } from "./device.ts";
import { Formatter } from "./format.ts";
import { ValueHasher } from "./hasher.ts";

/** Opens when it is told to, as a file on a slow disk. */
class SlowFile implements AuditDevice {
  isOpen = true;
  readonly opening = Promise.withResolvers<void>();

  write = () => Promise.resolve();
  async reopen() {
    await this.opening.promise;
    this.isOpen = true;
  }
  close() {
    this.isOpen = false;
    return Promise.resolve();
  }
}

Deno.test("a device that is removed while it opens its file anew does not keep it open", async () => {
  const broker = new AuditBroker(new ManualClock(), silentLogger);
  const options = {
    format: "json",
    hmacAccessor: true,
    logRaw: true,
    elideListResponses: false,
    prefix: "",
    exclude: undefined,
  } as const;
  const formatter = new Formatter(
    new ValueHasher({ sign: (data) => data.slice(), destroy() {} }),
    options,
  );
  const settings = { filter: undefined, fallback: false, prefix: "" };
  const [a, b] = [new SlowFile(), new SlowFile()];
  broker.add({ path: "a/", settings, formatter, device: a });
  broker.add({ path: "b/", settings, formatter, device: b });
  const reopened = broker.reopen();
  await broker.remove("a/");
  await broker.remove("b/");
  a.opening.resolve();
  b.opening.resolve();
  await reopened;
  assertEquals([a.isOpen, b.isOpen], [false, false]);
});
