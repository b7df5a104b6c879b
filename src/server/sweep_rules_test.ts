/** The rules by which late connections are cut, second by second. */
import { assertEquals } from "@std/assert";
import { addressKey, addressKeyOfBytes } from "./address_key.ts";
import { type ConnectionRecord, Connections } from "./connections.ts";
import { chooseUnread, judge, startWatch, type TimeLimits } from "./sweep_rules.ts";
import type { SocketFacts } from "./tcp_sockets.ts";

const limits: TimeLimits = { headerMs: 10_000, idleMs: 60_000, writeMs: 20_000 };

/** What is seen of a connection at one second; what is left out is as before. */
interface Seen {
  readonly at: number;
  readonly received?: number;
  readonly acknowledged?: number;
  readonly pending?: boolean;
  readonly heads?: number;
  readonly inFlight?: number;
  readonly doomed?: boolean;
}

/** The second and reason of the cut, or "kept". */
function story(seen: readonly Seen[], multiplexed = false, own = limits): string {
  let socket: SocketFacts = {
    cookie: 1,
    fd: 9,
    localPort: 8200,
    remoteKey: "",
    remotePort: 1,
    received: 0,
    acknowledged: 0,
    pending: false,
  };
  let record: ConnectionRecord | undefined;
  const watch = startWatch(socket, 0);
  const last = seen.at(-1)?.at ?? 0;
  for (let second = 1; second <= last; second++) {
    const now = seen.find(({ at }) => at === second);
    if (now !== undefined) {
      const { heads, inFlight, doomed, at: _at, ...traffic } = now;
      socket = { ...socket, ...traffic };
      if (heads !== undefined) {
        record = {
          heads,
          inFlight: inFlight ?? 0,
          multiplexed,
          unsent: 0,
          unsentSince: 0,
          doomed: doomed ?? false,
          seenAt: 0,
        };
      }
    }
    const verdict = judge(watch, socket, record, own, second * 1000);
    if (verdict !== "keep") return `${second}: ${verdict}`;
  }
  return "kept";
}

Deno.test("a connection that never finishes a head is cut, however it drips", () => {
  assertEquals(story([{ at: 30 }]), "10: no head in time");
  const drips = Array.from({ length: 30 }, (_, i) => ({ at: i + 1, received: i + 1 }));
  assertEquals(story(drips), "10: no head in time");
});

Deno.test("the second head has as long as the first, from its first byte", () => {
  const first = { at: 3, heads: 1, received: 100 };
  assertEquals(story([first, { at: 20, received: 110 }, { at: 40 }]), "30: no head in time");
  assertEquals(story([first, { at: 20, received: 110 }, { at: 25, heads: 2 }, { at: 60 }]), "kept");
});

Deno.test("a request under way may take its time", () => {
  assertEquals(story([{ at: 2, heads: 1, inFlight: 1, received: 90 }, { at: 200 }]), "kept");
});

Deno.test("an idle connection is cut, one whose answer is being read is not", () => {
  assertEquals(story([{ at: 5, heads: 1, received: 90 }, { at: 100 }]), "65: idle");
  const reading = Array.from({ length: 90 }, (_, i) => ({
    at: i + 6,
    acknowledged: i * 1000,
    pending: true,
  }));
  assertEquals(story([{ at: 5, heads: 1, received: 90 }, ...reading]), "kept");
});

Deno.test("a client that takes nothing of its answer is cut", () => {
  const stuck = { at: 5, heads: 1, inFlight: 1, received: 90, acknowledged: 500, pending: true };
  assertEquals(story([stuck, { at: 60 }]), "25: not read");
});

Deno.test("frames of HTTP/2 between requests are no half head", () => {
  const first = { at: 3, heads: 1, received: 100 };
  assertEquals(story([first, { at: 20, received: 117 }, { at: 50 }], true), "kept");
  assertEquals(story([first, { at: 20, received: 117 }, { at: 90 }], true), "63: idle");
});

Deno.test("what is of no use goes at once, and 0 is no limit", () => {
  assertEquals(story([{ at: 2, heads: 1, doomed: true }]), "2: of no use");
  const none = { headerMs: 0, idleMs: 0, writeMs: 0 };
  assertEquals(story([{ at: 999, pending: true }], false, none), "kept");
});

Deno.test("an address has one key, whatever it comes as", () => {
  const same = [
    ["192.0.2.7", "::ffff:192.0.2.7"],
    ["::ffff:c000:207", "192.0.2.7"],
    ["2001:db8::1", "2001:0DB8:0:0:0:0:0:1"],
    ["fe80::1%eth0", "fe80::1"],
    ["::", "0:0:0:0:0:0:0:0"],
  ] as const;
  for (const [a, b] of same) assertEquals(addressKey(a), addressKey(b));
  assertEquals(addressKey("192.0.2.7"), addressKeyOfBytes(new Uint8Array([192, 0, 2, 7])));
  for (const wrong of ["", "1.2.3", "1.2.3.256", "::1::", "1:2:3", "g::1", "localhost"]) {
    assertEquals(addressKey(wrong), undefined, wrong);
  }
});

Deno.test("of answers that nobody takes, those that wait longest go until enough is free", async () => {
  const connections = new Connections();
  const sent = Promise.withResolvers<void>();
  const at = (port: number) => connections.at("192.0.2.1", port, () => false);
  connections.sends(at(1), 50, 2, sent.promise);
  connections.sends(at(2), 10, 1, Promise.resolve());
  connections.sends(at(2), 30, 5, Promise.reject(new Error("cut")));
  connections.sends(at(3), 40, 3, sent.promise);
  const all = [1, 2, 3, 4].map((port) => ({ port, record: at(port) }));
  const ports = (toFree: number) => chooseUnread(all, toFree).chosen.map(({ port }) => port);
  assertEquals(connections.unsent, 130);
  assertEquals([ports(0), ports(41), ports(1000)], [[], [2, 1], [2, 1, 3]]);
  await new Promise((resolve) => setTimeout(resolve, 0));
  assertEquals([connections.unsent, ports(1000)], [90, [1, 3]]);
  connections.sends(at(2), 5, 9, sent.promise);
  assertEquals(ports(1000), [1, 3, 2]);
});

Deno.test("records of closed connections are forgotten, those under way are not", () => {
  const connections = new Connections();
  const multiplexed = () => false;
  connections.at("192.0.2.1", 1, multiplexed);
  connections.at("192.0.2.1", 2, multiplexed).inFlight = 1;
  connections.at("::1", 3, multiplexed);
  assertEquals(connections.size, 3);
  const key = addressKey("192.0.2.1") ?? "";
  assertEquals(connections.find(key, 2)?.inFlight, 1);
  connections.at("::1", 3, multiplexed).seenAt = 7;
  connections.forgetUnseen(7);
  assertEquals(connections.size, 2);
  assertEquals(connections.find(key, 1), undefined);
});
