import { assert, assertEquals } from "@std/assert";
import { enableAuth, loginNode } from "../../auth/common/testing.ts";
import { utf8 } from "../../base/bytes.ts";
import type { NodeKit } from "../testing/kit.ts";
import { InmemStorage } from "../../storage/inmem.ts";
import { StorageFullError, type Write } from "../../storage/storage.ts";
import { Transactions } from "../../storage/transaction.ts";
import { testRandom } from "../../crypto/testing.ts";
import { type Client, ClientSet } from "./client_set.ts";
import { readMonth, writeMonth } from "./month_record.ts";
import { reportRange } from "./report.ts";

const path = "sys/internal/counters/activity";

function client(hash: number, mount = "auth/a/"): Client {
  return { hash, kind: hash * 1000 % 1 < 0.5 ? "entity" : "non-entity", mount };
}

/** So many clients with evenly spread hashes. */
function clients(count: number, seed: number): Client[] {
  const view = new DataView(testRandom(seed).bytes(count * 4).buffer);
  return Array.from({ length: count }, (_, i) => client(view.getUint32(i * 4) / 2 ** 32));
}

async function login(kit: NodeKit, name: string): Promise<string> {
  const response = await kit.ask("update", `auth/userpass/login/${name}`, {
    token: "",
    data: { password: "p" },
  });
  return response.auth?.clientToken ?? "";
}

const counts = (entities: number, others: number) => ({
  clients: entities + others,
  entity_clients: entities,
  non_entity_clients: others,
  secret_syncs: 0,
  acme_clients: 0,
  distinct_entities: entities,
  non_entity_tokens: others,
});

Deno.test("distinct entities and sets of policies are counted, a month after the other", async () => {
  const kit = await loginNode();
  await enableAuth(kit, "userpass");
  assertEquals(await kit.ask("read", path), {}, "root tokens are nobody");
  for (const name of ["ann", "bob"]) {
    await kit.ask("update", `auth/userpass/users/${name}`, { data: { password: "p" } });
  }
  const ann = await login(kit, "ann");
  await login(kit, "ann");
  await login(kit, "bob");
  for (const policies of [["x", "y"], ["y", "x"], ["z"]]) {
    await kit.ask("update", "auth/token/create", { data: { policies } });
  }
  const first = (await kit.ask("read", path)).data;
  assertEquals(first?.total, counts(2, 2));
  assertEquals(first?.start_time, "2025-02-01T00:00:00Z");
  assertEquals(first?.end_time, "2026-01-31T23:59:59Z");
  assertEquals(first?.by_namespace, [{
    namespace_id: "root",
    namespace_path: "",
    counts: counts(2, 2),
    mounts: [
      { mount_path: "auth/userpass/", mount_type: "userpass", counts: counts(2, 0) },
      { mount_path: "auth/token/", mount_type: "token", counts: counts(0, 2) },
    ],
  }]);
  const month = (await kit.ask("read", `${path}/monthly`)).data;
  assertEquals([month?.clients, month?.distinct_entities], [4, 2]);
  await kit.clock.jump(31 * 86_400_000);
  assertEquals(await kit.ask("read", `${path}/monthly`), {});
  await kit.ask("read", "auth/token/lookup-self", { token: ann });
  const again = await login(kit, "bob");
  assert(again !== "");
  const both = (await kit.ask("read", path)).data;
  assertEquals(both?.total, counts(2, 2));
  assertEquals(
    monthFigures(both?.months),
    [["2026-01-01T00:00:00Z", 4, 4], ["2026-02-01T00:00:00Z", 2, 0]],
  );
  const january = await kit.ask("read", path, {
    data: { start_time: "2026-01-01T00:00:00Z", end_time: "1769900000" },
  });
  assertEquals(january.data?.end_time, "2026-01-31T23:59:59Z");
  assertEquals(monthFigures(january.data?.months).length, 1);
  assertEquals(await kit.status("read", path, { data: { start_time: "soon" } }), 400);
});

function monthFigures(months: unknown): unknown[] {
  if (!Array.isArray(months)) return [];
  return months.map(({ timestamp, counts, new_clients }) => [
    timestamp,
    counts.clients,
    new_clients.counts.clients,
  ]);
}

Deno.test("what was counted is there after a restart, and gone once counting is turned off", async () => {
  const physical = new InmemStorage();
  const kit = await loginNode(physical);
  await kit.ask("update", "auth/token/create", { data: { policies: ["x"] } });
  await kit.node.seal();
  const later = await loginNode(physical);
  await later.ask("update", "auth/token/create", { data: { policies: ["x"] } });
  await later.ask("update", "auth/token/create", { data: { policies: ["y"] } });
  assertEquals((await later.ask("read", path)).data?.total, counts(0, 2));
  const config = "sys/internal/counters/config";
  const { data } = await later.ask("read", config);
  assertEquals([data?.enabled, data?.retention_months], ["default-enabled", 48]);
  assertEquals(await later.status("update", config, { data: { retention_months: 5 } }), 400);
  await later.ask("update", config, { data: { enabled: "disable" } });
  await later.ask("update", "auth/token/create", { data: { policies: ["z"] } });
  assertEquals(await later.ask("read", path), {});
  assertEquals(await later.status("read", "sys/internal/counters/requests"), 404);
});

Deno.test("counts that can't be read keep no node from starting, and stay as they are", async () => {
  const physical = new InmemStorage();
  const kit = await loginNode(physical);
  const key = "sys/clients/month/2026-01/head";
  const broken = utf8("{");
  await kit.node.services.transactions.run((t) => t.put(key, broken));
  await kit.node.seal();
  const later = await loginNode(physical);
  await later.ask("update", "auth/token/create", { data: { policies: ["x"] } });
  await later.clock.advance(120_000);
  const kept = await later.node.services.transactions.run((t) => t.get(key));
  assertEquals(kept, broken);
});

/** Says no to client counts. */
class NoCounts extends InmemStorage {
  refused = 0;
  refuses = false;

  override write(batch: readonly Write[]): Promise<void> {
    if (!this.refuses || !batch.some(({ key }) => key.startsWith("sys/clients/"))) {
      return super.write(batch);
    }
    this.refused++;
    return Promise.reject(new StorageFullError("no space left"));
  }
}

Deno.test("counts that can't be stored when the month is over are tried once a minute", async () => {
  const physical = new NoCounts();
  const kit = await loginNode(physical);
  await kit.ask("update", "auth/token/create", { data: { policies: ["x"] } });
  physical.refuses = true;
  await kit.clock.jump(31 * 86_400_000);
  await kit.clock.advance(180_000);
  assert(physical.refused > 1 && physical.refused < 6, `${physical.refused} times`);
  physical.refuses = false;
  await kit.clock.advance(60_000);
  assertEquals((await kit.ask("read", path)).data?.total, counts(0, 1), "none is lost");
  await kit.node.seal();
});

Deno.test("a set counts exactly while it is small, and within 5 % where it is not", () => {
  const set = new ClientSet(4096);
  const few = clients(4000, 1);
  for (const each of [...few, ...few]) set.add(each);
  assertEquals(sum(set), 4000);
  for (const each of clients(200_000, 2)) set.add(each);
  assert(set.size <= 4096 && set.size > 2000);
  assert(Math.abs(sum(set) - 204_000) < 0.05 * 204_000, `${sum(set)}`);
});

function sum(set: ClientSet): number {
  const { entity, nonEntity } = set.counts().total;
  return entity + nonEntity;
}

Deno.test("a month is stored by parts, of which only what is new is written", async () => {
  const transactions = new Transactions(new InmemStorage());
  const set = new ClientSet(10_000);
  for (const each of clients(5000, 3)) set.add(each);
  let stored = await transactions.run((t) =>
    writeMonth(t, "2026-01", set, { threshold: 1, count: 0, known: 0 })
  );
  for (const each of clients(100, 4)) set.add(each);
  const written = await transactions.run((t) => {
    stored = writeMonth(t, "2026-01", set, stored);
    return t.writes.map(({ key }) => key);
  });
  const folder = "sys/clients/month/2026-01/";
  assertEquals(
    written,
    ["0001", "first-00009", "head"].map((name) => folder + name),
  );
  for (const each of clients(9000, 5)) set.add(each);
  assert(set.threshold < 1);
  await transactions.run((t) => writeMonth(t, "2026-01", set, stored));
  const read = await transactions.run((t) => readMonth(t, "2026-01"));
  assertEquals(read?.set.threshold, set.threshold);
  assertEquals(new Set(read?.set.values()), new Set(set.values()));
});

Deno.test("clients of several months are put together, though one has only a sample", async () => {
  const [all, sample] = [new ClientSet(), new ClientSet(2048)];
  const [a, b] = [clients(10_000, 6), clients(10_000, 7)];
  for (const each of a) all.add(each);
  for (const each of [...a, ...b]) sample.add(each);
  async function* months() {
    yield { month: "2026-01", set: all };
    yield await Promise.resolve({ month: "2026-02", set: sample });
  }
  const { total, months: [first, second] } = await reportRange(months());
  const near = (counted: { entity: number; nonEntity: number } | undefined, real: number) => {
    const found = (counted?.entity ?? 0) + (counted?.nonEntity ?? 0);
    assert(Math.abs(found - real) < 0.1 * real, `${found} for ${real}`);
  };
  assertEquals((first?.counts.total.entity ?? 0) + (first?.counts.total.nonEntity ?? 0), 10_000);
  near(total.total, 20_000);
  near(second?.newClients.total, 10_000);
});
