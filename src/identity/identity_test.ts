/** Whatever is done to entities and groups, what requests see of them is right. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { Failure } from "../base/failure.ts";
import { testRandom } from "../crypto/testing.ts";
import type { Transaction } from "../storage/transaction.ts";
import { identityOfLogin } from "./login.ts";
import { mergeEntities } from "./merge.ts";
import { type IdentityKit, identityKit, indexProblems } from "./testing.ts";
import type { Entity, Group } from "./types.ts";

function login(kit: IdentityKit, name: string, accessor = "m1", groups?: readonly string[]) {
  return kit.run((transaction) =>
    identityOfLogin(kit.identity, transaction, {
      accessor,
      local: false,
      name,
      metadata: undefined,
      groups,
    })
  );
}

async function makeEntity(kit: IdentityKit, given: Partial<Entity> = {}): Promise<Entity> {
  const entity = kit.identity.entities.make(given);
  await kit.run((transaction) => kit.identity.entities.save(transaction, entity, undefined));
  return entity;
}

async function makeGroup(kit: IdentityKit, given: Partial<Group> = {}): Promise<Group> {
  const group = kit.identity.groups.make(given);
  await kit.run((transaction) => kit.identity.groups.save(transaction, group, undefined));
  return group;
}

function policiesOf(kit: IdentityKit, id: string): Promise<readonly string[] | undefined> {
  return kit.run(async (transaction) => (await kit.identity.views.get(transaction, id))?.policies);
}

Deno.test("an alias leads to one entity, however many log in by it at once", async () => {
  const kit = identityKit();
  const views = await Promise.all(Array.from({ length: 50 }, () => login(kit, "ann")));
  assertEquals(new Set(views.map(({ entity }) => entity.id)).size, 1);
  assert((await login(kit, "ann", "m2")).entity.id !== views[0]?.entity.id, "another mount");
  assertEquals((await login(kit, "ANN")).entity.id, views[0]?.entity.id, "names have no case");
  assertEquals(await indexProblems(kit), []);
});

Deno.test("policies come from the entity and all groups above it, at once", async () => {
  const kit = identityKit();
  const { groups, entities } = kit.identity;
  const entity = await makeEntity(kit, { policies: ["own"] });
  const inner = await makeGroup(kit, { policies: ["inner"] });
  const outer = await makeGroup(kit, { policies: ["outer"] });
  assertEquals(await policiesOf(kit, entity.id), ["own"]);
  await kit.run((t) => groups.setEntities(t, inner.id, [entity.id]));
  assertEquals(await policiesOf(kit, entity.id), ["inner", "own"]);
  await kit.run((t) => groups.setGroups(t, outer.id, [inner.id]));
  assertEquals(await policiesOf(kit, entity.id), ["inner", "outer", "own"]);
  await kit.run((t) => groups.save(t, { ...outer, policies: ["changed"] }, outer));
  assertEquals(await policiesOf(kit, entity.id), ["changed", "inner", "own"]);
  await kit.run((t) => entities.save(t, { ...entity, policies: [] }, entity));
  assertEquals(await policiesOf(kit, entity.id), ["changed", "inner"]);
  await kit.run((t) => groups.remove(t, inner));
  assertEquals(await policiesOf(kit, entity.id), []);
  await kit.run((t) => kit.identity.removeEntity(t, entity));
  assertEquals(await policiesOf(kit, entity.id), undefined);
  assertEquals(await indexProblems(kit), []);
});

Deno.test("groups can't contain themselves, by whatever way round", async () => {
  const kit = identityKit();
  const { groups } = kit.identity;
  const chain = await Promise.all(Array.from({ length: 5 }, () => makeGroup(kit)));
  const set = (parent: number, child: number) =>
    kit.run((t) => groups.setGroups(t, chain[parent]?.id ?? "", [chain[child]?.id ?? ""]));
  for (let i = 0; i < 4; i++) await set(i, i + 1);
  for (let top = 0; top < 5; top++) {
    for (let below = top; below < 5; below++) await assertRejects(() => set(below, top), Failure);
  }
});

Deno.test("external groups follow the logins of their mount and leave the others alone", async () => {
  const kit = identityKit();
  const { groups, entities } = kit.identity;
  const alias = (name: string, mountAccessor: string) =>
    entities.makeAlias({ name, mountAccessor });
  const external = { type: "external" as const };
  await makeGroup(kit, { ...external, policies: ["a"], alias: alias("A", "m1") });
  await makeGroup(kit, { ...external, policies: ["b"], alias: alias("B", "m1") });
  const elsewhere = await makeGroup(kit, { ...external, policies: ["c"], alias: alias("C", "m2") });
  const inside = await makeGroup(kit, { policies: ["i"] });
  const { entity } = await login(kit, "ann", "m1", ["A", "unknown"]);
  await kit.run((t) => {
    groups.addEntity(t, elsewhere.id, entity.id);
    groups.addEntity(t, inside.id, entity.id);
    return Promise.resolve();
  });
  assertEquals(await policiesOf(kit, entity.id), ["a", "c", "i"]);
  assertEquals((await login(kit, "ann", "m1", ["B"])).policies, ["b", "c", "i"]);
  assertEquals((await login(kit, "ann", "m1")).policies, ["b", "c", "i"], "says nothing of groups");
  assertEquals((await login(kit, "ann", "m1", [])).policies, ["c", "i"]);
  assertEquals(await indexProblems(kit), []);
});

Deno.test("a merge moves aliases and tokens, and asks where two aliases clash", async () => {
  const kit = identityKit();
  const { entity: into } = await login(kit, "ann", "m1");
  const { entity: from } = await login(kit, "ann", "m2");
  const { entity: clashing } = await login(kit, "anna", "m1");
  const merge = (fromId: string, aliasIdsToKeep: readonly string[] = []) =>
    kit.run((t) =>
      mergeEntities(kit.identity, t, { fromIds: [fromId], toId: into.id, aliasIdsToKeep })
    );
  await merge(from.id);
  assertEquals((await login(kit, "ann", "m2")).entity.id, into.id);
  const seen = await kit.run((t) => kit.identity.views.get(t, from.id));
  assertEquals(seen?.entity.id, into.id, "a token of the old entity is one of the new");
  await assertRejects(() => merge(clashing.id), Failure);
  await assertRejects(() => merge(into.id), Failure);
  await merge(clashing.id, [clashing.aliases[0]?.id ?? ""]);
  assertEquals((await login(kit, "anna", "m1")).entity.id, into.id);
  assert((await login(kit, "ann", "m1")).entity.id !== into.id, "the other alias is free again");
  assertEquals(await indexProblems(kit), []);
});

/** One random change; a refusal is fine. */
async function change(kit: IdentityKit, pick: (most: number) => number): Promise<void> {
  const { identity, run } = kit;
  const { entities, groups } = identity;
  const find = async (transaction: Transaction) => ({
    entity: await entities.byName(transaction, `e${pick(6)}`),
    other: await entities.byName(transaction, `e${pick(6)}`),
    group: await groups.byName(transaction, `g${pick(5)}`),
    below: await groups.byName(transaction, `g${pick(5)}`),
  });
  const action = pick(9);
  const name = pick(6);
  await run(async (t) => {
    const { entity, other, group, below } = await find(t);
    if (action === 0) {
      const policies = [`p${pick(4)}`];
      await entities.save(t, entities.make({ name: `e${name}`, policies }), undefined);
    } else if (action === 1) {
      const policies = [`q${pick(4)}`];
      await groups.save(t, groups.make({ name: `g${name}`, policies }), undefined);
    } else if (action === 2 && entity !== undefined) {
      await entities.save(t, { ...entity, name: `e${name}` }, entity);
    } else if (action === 3 && entity !== undefined) {
      const alias = entities.makeAlias({ name: `a${pick(8)}`, mountAccessor: `m${pick(3)}` });
      await entities.save(t, { ...entity, aliases: [...entity.aliases, alias] }, entity);
    } else if (action === 4 && entity !== undefined && group !== undefined) {
      await groups.setEntities(t, group.id, other === undefined ? [] : [entity.id, other.id]);
    } else if (action === 5 && group !== undefined && below !== undefined) {
      await groups.setGroups(t, group.id, [below.id]);
    } else if (action === 6 && entity !== undefined && other !== undefined) {
      await mergeEntities(identity, t, {
        fromIds: [other.id],
        toId: entity.id,
        aliasIdsToKeep: [],
      });
    } else if (action === 7 && entity !== undefined && pick(3) === 0) {
      await identity.removeEntity(t, entity);
    } else if (action === 8 && group !== undefined && pick(3) === 0) {
      await groups.remove(t, group);
    }
  });
}

Deno.test("after any changes indexes agree, and cached views are what is true", async () => {
  for (let seed = 1; seed <= 4; seed++) {
    const kit = identityKit(seed);
    const random = testRandom(100 + seed);
    const pick = (most: number) => (random.bytes(1)[0] ?? 0) % most;
    for (let step = 0; step < 250; step++) {
      try {
        await change(kit, pick);
      } catch (error) {
        assert(error instanceof Failure, String(error));
      }
      await viewsAreTrue(kit);
      if (step % 25 === 0) assertEquals(await indexProblems(kit), [], `seed ${seed}, step ${step}`);
    }
  }
});

async function viewsAreTrue({ identity, run }: IdentityKit): Promise<void> {
  await run(async (transaction) => {
    for (let i = 0; i < 6; i++) {
      const entity = await identity.entities.byName(transaction, `e${i}`);
      if (entity === undefined) continue;
      const cached = await identity.views.get(transaction, entity.id);
      assertEquals(cached, await identity.views.build(transaction, entity));
    }
  });
}
