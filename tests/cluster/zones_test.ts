/** Autopilot in real processes: a voter a zone with others in reserve, and upgrades by new nodes. */
import { assert, assertEquals } from "@std/assert";
import { type Answer, api, eventually, scratch } from "../../src/server/testing.ts";
import { activeOf, call, type ClusterNode, kill, makeNode, settled, start } from "./process_kit.ts";

const autopilot = "sys/storage/raft/autopilot";

interface Setting {
  readonly id: string;
  readonly zone?: string;
  readonly version?: string;
}

/** A node of a zone, of a version to be upgraded to. */
function made(folder: string, { id, zone = "", version = "" }: Setting): Promise<ClusterNode> {
  const inStorage = [
    ...(zone === "" ? [] : [`autopilot_redundancy_zone = "${zone}"`]),
    ...(version === "" ? [] : [`autopilot_upgrade_version = "${version}"`]),
  ].join("\n  ");
  return makeNode(folder, id, { inStorage });
}

class Group implements AsyncDisposable {
  readonly nodes: ClusterNode[] = [];
  key = "";
  token = "";

  constructor(readonly folder: string) {}

  async begin(setting: Setting, thresholds: Record<string, unknown>): Promise<void> {
    const node = await made(this.folder, setting);
    this.nodes.push(node);
    await start(node);
    const body = { secret_shares: 1, secret_threshold: 1 };
    const init = await call(node, "sys/init", { body });
    this.key = String(init.at("keys_base64", 0));
    this.token = String(init.at("root_token"));
    await call(node, "sys/unseal", { body: { key: this.key } });
    await call(node, `${autopilot}/configuration`, { token: this.token, body: thresholds });
  }

  async add(setting: Setting): Promise<void> {
    const leader = await settled(this.nodes);
    const node = await made(this.folder, setting);
    this.nodes.push(node);
    await start(node);
    await call(node, "sys/storage/raft/join", { body: { leader_api_addr: leader.address } });
    await call(node, "sys/unseal", { body: { key: this.key } });
  }

  /** As whoever leads tells it, also while that changes. */
  async state(): Promise<Answer> {
    for (;;) {
      const leader = await settled(this.nodes);
      const answer = await api(leader.address, `${autopilot}/state`, { token: this.token });
      if (answer.status === 200) return answer;
      assert(answer.status >= 500, `${answer.status}`);
    }
  }

  /** Waits until these vote and no others. */
  async votes(...ids: string[]): Promise<void> {
    let last: unknown;
    await eventually(
      async () => {
        last = (await this.state()).at("data", "voters");
        return JSON.stringify([last].flat().map(String).sort()) === JSON.stringify(ids.sort());
      },
      () => `${ids} do not vote, but ${last}`,
      60_000,
    );
  }

  node(id: string): ClusterNode {
    const node = this.nodes.find((each) => each.id === id);
    assert(node !== undefined);
    return node;
  }

  async [Symbol.asyncDispose]() {
    for (const node of this.nodes) await kill(node);
  }
}

Deno.test("each zone has one vote; the loss of it is made good by the next of the zone", async () => {
  await using folder = await scratch();
  await using group = new Group(folder.path);
  await group.begin({ id: "a1", zone: "a" }, {
    last_contact_threshold: "3s",
    server_stabilization_time: "1s",
  });
  const { token } = group;
  for (const id of ["b1", "c1", "a2", "b2"]) await group.add({ id, zone: id.slice(0, 1) });
  await group.votes("a1", "b1", "c1");
  await call(group.node("a1"), "sys/mounts/kv", { token, body: { type: "kv" }, method: "POST" });
  const state = await group.state();
  assertEquals(state.at("data", "failure_tolerance"), 1);
  assertEquals(state.at("data", "optimistic_failure_tolerance"), 3);
  assertEquals(state.at("data", "redundancy_zones", "b"), {
    servers: ["b1", "b2"],
    voters: ["b1"],
    failure_tolerance: 1,
  });
  assertEquals(state.at("data", "servers", "b2", "node_type"), "zone-standby");
  assertEquals(state.at("data", "servers", "a1", "node_type"), "zone-voter");
  assertEquals(state.at("data", "servers", "c1", "redundancy_zone"), "c");
  await eventually(async () => {
    const told = await call(group.node("c1"), "sys/ha-status", { token });
    const zones = [told.at("nodes")].flat()
      .map((each) => Reflect.get(Object(each), "redundancy_zone"));
    return zones.sort().join() === "a,a,b,b,c";
  });

  // A follower is lost, then who leads, and each time there are three votes again.
  await kill(group.node("b1"));
  await group.votes("a1", "b2", "c1");
  await call(group.node("c1"), "kv/x", { token, body: { at: 1 } });
  await kill(group.node("a1"));
  await group.votes("a2", "b2", "c1");
  await call(group.node("a2"), "kv/x", { token, body: { at: 2 } });
  // Three votes of five nodes: with another loss two still are a quorum.
  assertEquals((await group.state()).at("data", "failure_tolerance"), 1);
  // Who comes back stays in reserve.
  await start(group.node("b1"));
  await call(group.node("b1"), "sys/unseal", { body: { key: group.key } });
  await eventually(async () =>
    (await group.state()).at("data", "servers", "b1", "healthy") === true
  );
  await new Promise((resolve) => setTimeout(resolve, 2500));
  await group.votes("a2", "b2", "c1");
  assertEquals((await call(group.node("b1"), "kv/x", { token })).at("data", "at"), 2);
});

Deno.test("new nodes of a newer version take over once they are enough", async () => {
  await using folder = await scratch();
  await using group = new Group(folder.path);
  await group.begin({ id: "o1", version: "1.0.0" }, { server_stabilization_time: "1s" });
  const { token } = group;
  for (const id of ["o2", "o3"]) await group.add({ id, version: "1.0.0" });
  await group.votes("o1", "o2", "o3");
  await call(group.node("o1"), "sys/mounts/kv", { token, body: { type: "kv" }, method: "POST" });
  const info = (state: Answer, name: string) => state.at("data", "upgrade_info", name);
  assertEquals(info(await group.state(), "status"), undefined);

  for (const id of ["n1", "n2"]) await group.add({ id, version: "1.1.0" });
  await eventually(async () => info(await group.state(), "status") === "await-new-voters");
  await new Promise((resolve) => setTimeout(resolve, 3000));
  const waiting = await group.state();
  assertEquals(info(waiting, "target_version"), "1.1.0");
  assertEquals([info(waiting, "target_version_non_voters")].flat().sort(), ["n1", "n2"]);
  assertEquals([info(waiting, "other_version_voters")].flat().sort(), ["o1", "o2", "o3"]);
  await group.votes("o1", "o2", "o3");

  // Writes go on all the way, for who asks again after a 5xx.
  let written = 0;
  let longest = 0;
  const stop = new AbortController();
  const writing = (async () => {
    let last = performance.now();
    while (!stop.signal.aborted) {
      const answer = await api(group.node("n1").address, "kv/x", { token, body: { written } });
      if (answer.status >= 500) continue;
      assertEquals(answer.status, 204);
      longest = Math.max(longest, performance.now() - last);
      last = performance.now();
      written++;
    }
  })();
  await group.add({ id: "n3", version: "1.1.0" });
  try {
    await group.votes("n1", "n2", "n3");
    const leader = await activeOf(group.nodes);
    assert(leader !== undefined && leader.id.startsWith("n"), leader?.id);
    const done = await group.state();
    assertEquals(info(done, "status"), "await-server-removal");
    assertEquals(done.at("data", "servers", "n2", "upgrade_version"), "1.1.0");
  } finally {
    stop.abort();
    await writing;
  }
  assert(written > 10 && longest < 2000, `${written} writes, ${longest} ms without`);
  for (const id of ["o1", "o2", "o3"]) {
    await call(group.node("n1"), "sys/storage/raft/remove-peer", {
      token,
      body: { server_id: id },
    });
  }
  assertEquals(info(await group.state(), "status"), undefined);
  assertEquals((await group.state()).at("data", "healthy"), true);
});
