/**
 * Whatever is sent to a node under load ends in a 4xx or a closed connection: never in a 5xx, a
 * crash, memory that grows, or a delay for others. 4,000 requests of each kind; 100,000 with
 * HOLDFAST_SLOW=1. FUZZ_SEED replays a run, FUZZ_REQUESTS asks for another number.
 */
import { assert, assertEquals } from "@std/assert";
import { TestNode } from "../e2e/node.ts";
import { fill, operations } from "./described.ts";
import { startLoad } from "./load.ts";
import { Dice } from "./random.ts";
import { type RawRequest, rawRequest } from "./raw_request.ts";
import { send } from "./wire.ts";

const slow = Deno.env.get("HOLDFAST_SLOW") === "1";
const requests = Number(Deno.env.get("FUZZ_REQUESTS") ?? (slow ? 100_000 : 4000));
const lanes = 16;
const seed = Number(Deno.env.get("FUZZ_SEED") ?? Date.now() % 2 ** 31);
const growthMaxMb = 160;
const delayMaxMs = 1000;

async function residentMb(pid: number): Promise<number> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024;
}

async function prepared(): Promise<TestNode> {
  const node = await TestNode.create();
  await node.setUp();
  await node.api("POST", "sys/mounts/kv", { type: "kv", options: { version: "1" } });
  await node.api("POST", "sys/mounts/kv2", { type: "kv", options: { version: "2" } });
  await node.api("POST", "sys/mounts/load", { type: "kv", options: { version: "1" } });
  await node.api("POST", "sys/mounts/transit", { type: "transit" });
  for (const [name, type] of [["x", "aes256-gcm96"], ["a", "ecdsa-p256"], ["self", "rsa-2048"]]) {
    await node.api("POST", `transit/keys/${name}`, { type, exportable: true });
  }
  await node.api("POST", "sys/mounts/pki", { type: "pki" });
  await node.api("POST", "pki/root/generate/internal", { common_name: "x", key_type: "ec" });
  await node.api("POST", "pki/roles/x", { allow_any_name: true, key_type: "ec" });
  await node.api("POST", "sys/auth/userpass", { type: "userpass" });
  await node.api("POST", "sys/auth/oidc", { type: "oidc" });
  await node.api("POST", "auth/oidc/config", {
    // Nobody answers there.
    oidc_discovery_url: "http://127.0.0.1:1/",
    oidc_client_id: "x",
    oidc_client_secret: "x",
    skip_jwks_validation: true,
  });
  const redirects = { user_claim: "sub", allowed_redirect_uris: "http://localhost:8250/x" };
  await node.api("POST", "auth/oidc/role/x", redirects);
  return node;
}

/** Sends them all over a few lanes; returns what should not have been, described. */
async function bombard(
  node: TestNode,
  count: number,
  make: (dice: Dice) => RawRequest,
): Promise<{ wrong: string[]; statuses: Map<number, number> }> {
  const wrong: string[] = [];
  const statuses = new Map<number, number>();
  let next = 0;
  await Promise.all(Array.from({ length: lanes }, async () => {
    while (next < count && wrong.length < 20) {
      const mine = next++;
      const request = make(new Dice(seed + mine * 7919));
      const { statuses: got, isHanging } = await send(node.port, request);
      for (const status of got) statuses.set(status, (statuses.get(status) ?? 0) + 1);
      const bad = got.find((status) => status >= 500);
      if (bad === undefined && !isHanging) continue;
      const text = new TextDecoder("latin1").decode(request.bytes.slice(0, 600));
      wrong.push(`request ${mine}: ${bad ?? "no answer"} to ${JSON.stringify(text)}`);
    }
  }));
  return { wrong, statuses };
}

async function underLoad(node: TestNode, work: () => Promise<{ wrong: string[] }>): Promise<void> {
  const before = await residentMb(node.pid);
  const load = startLoad(node);
  const { wrong } = await work();
  const { failures, p99Ms, count } = await load.stop();
  const errors = node.output.split("\n").filter((line) => line.includes("[ERROR]")).slice(0, 20);
  assertEquals([...wrong.map(oneLine), ...errors], [], `seed ${seed}`);
  assertEquals(failures.slice(0, 5), [], `other requests failed, seed ${seed}`);
  assert(count > 100, `only ${count} other requests were answered`);
  assert(p99Ms < delayMaxMs, `other requests took ${p99Ms} ms, seed ${seed}`);
  await new Promise((resolve) => setTimeout(resolve, 500));
  const growth = await residentMb(node.pid) - before;
  assert(growth < growthMaxMb, `memory grew by ${growth} MB, seed ${seed}`);
  assert(!/panick|Uncaught/.test(node.output), node.output.slice(-3000));
  assertEquals((await node.api("GET", "sys/health")).status, 200);
}

function oneLine(text: string): string {
  return text.slice(0, 900);
}

Deno.test("malformed requests on the wire", async () => {
  await using node = await prepared();
  const token = node.keys?.rootToken ?? "";
  // Warm, so that growth is not that of the first thousand requests.
  await bombard(node, 500, (dice) => rawRequest(dice, token));
  await underLoad(node, async () => {
    const result = await bombard(node, requests, (dice) => rawRequest(dice, token));
    console.log("statuses", Object.fromEntries([...result.statuses].toSorted()));
    return result;
  });
});

Deno.test("any value in any field of any described path", async () => {
  await using node = await prepared();
  const token = node.keys?.rootToken ?? "";
  const { body } = await node.api("GET", "sys/internal/specs/openapi");
  const known = operations(body);
  assert(known.length > 100, `the description has only ${known.length} operations`);
  const [first, ...others] = known;
  if (first === undefined) return;
  const encoder = new TextEncoder();
  const make = (dice: Dice): RawRequest => {
    const operation = dice.pick([first, ...others]);
    const { target, body } = fill(dice, operation);
    const content = encoder.encode(body ?? "");
    const patch = operation.method === "PATCH"
      ? "application/merge-patch+json"
      : "application/json";
    const head = `${operation.method} ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n` +
      `X-Vault-Token: ${token}\r\nContent-Type: ${patch}\r\n` +
      `Content-Length: ${content.length}\r\n\r\n`;
    return { bytes: encoder.encode(head + (body ?? "")), isPartial: false };
  };
  await bombard(node, 500, make);
  await underLoad(node, async () => {
    const result = await bombard(node, requests, make);
    console.log("statuses", Object.fromEntries([...result.statuses].toSorted()));
    return result;
  });
});
