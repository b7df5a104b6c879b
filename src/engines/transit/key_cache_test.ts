/** Secrets in memory: kept while nothing changes, undisturbed in use, wiped as soon as they changed. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { utf8 } from "../../base/bytes.ts";
import { Failure } from "../../base/failure.ts";
import { KeyCache, type OpenKey } from "./key_cache.ts";
import type { Material } from "./material.ts";
import { b64, startTransit } from "./testing/kit.ts";

async function withCache() {
  const kit = await startTransit();
  await kit.write("keys/k");
  const { services } = kit.node.node;
  const uuid = services.mounts.router.at("t/")?.entry.uuid ?? "";
  const cache = new KeyCache(() => services);
  const use = <T>(body: (key: OpenKey, first: Material) => Promise<T>, name = "k") =>
    services.transactions.run((transaction) => {
      const storage = transaction.within(`logical/${uuid}/`);
      const call = {
        mount: { uuid },
        storage,
        cached: <V>(key: string, decode: (bytes: Uint8Array<ArrayBuffer>) => V) =>
          services.cache.read(transaction, `logical/${uuid}/${key}`, decode),
      };
      return cache.with(call, name, async (key) => await body(key, await key.material(storage, 1)));
    });
  return { kit, cache, use };
}

const nonce = new Uint8Array(12);

function isAlive(material: Material): boolean {
  try {
    material.cipher().seal(nonce, utf8("x"), utf8(""));
    material.hmac("sha256").sign(utf8("x"));
    return true;
  } catch {
    return false;
  }
}

Deno.test("a key is decoded once", async () => {
  const { use } = await withCache();
  const first = await use((_key, material) => Promise.resolve(material));
  assertEquals(await use((_key, material) => Promise.resolve(material === first)), true);
  assert(isAlive(first));
});

Deno.test("a key that changes is wiped, once nobody uses it any more", async () => {
  const { kit, use } = await withCache();
  const { promise: changed, resolve } = Promise.withResolvers<void>();
  const { promise: begun, resolve: begin } = Promise.withResolvers<Material>();
  let runs = 0;
  const using = use(async (_key, material) => {
    if (runs++ > 0) return isAlive(material);
    begin(material);
    await changed;
    assert(isAlive(material), "who is using it goes on");
    return false;
  });
  const material = await begun;
  await kit.write("keys/k/rotate");
  assert(isAlive(material));
  resolve();
  assertEquals(await using, true, "and runs again, with what is true now");
  assert(!isAlive(material));
  assertThrows(() => material.secret, Error, "destroyed");
});

Deno.test("a deleted key is wiped, and found no more", async () => {
  const { kit, use } = await withCache();
  const material = await use((_key, material) => Promise.resolve(material));
  await kit.write("keys/k/config", { deletion_allowed: true });
  await kit.node.ask("delete", "t/keys/k");
  assert(!isAlive(material));
  await assertRejects(() => use(() => Promise.resolve(1)), Failure, "not found");
});

Deno.test("what came first is dropped first, and everything when the mount closes", async () => {
  const { kit, cache, use } = await withCache();
  await kit.write("cache-config", { size: 10 });
  const materials: Material[] = [];
  for (let i = 0; i < 12; i++) {
    await kit.write(`keys/k${i}`);
    materials.push(await use((_key, material) => Promise.resolve(material), `k${i}`));
  }
  assertEquals(materials.map(isAlive), [false, false, ...Array(10).fill(true)]);
  cache.close();
  assertEquals(materials.map(isAlive), Array(12).fill(false));
});

Deno.test("whatever is encrypted while a key rotates and changes is decrypted later", async () => {
  const { kit } = await withCache();
  await kit.write("keys/r", { type: "rsa-2048" });
  const made: [string, string, string][] = [];
  const encrypting = Array.from({ length: 6 }, async (_, lane) => {
    for (let i = 0; i < 25; i++) {
      const [key, text] = [lane % 3 === 0 ? "r" : "k", `${lane}-${i}`];
      made.push([key, text, await kit.encrypt(key, text)]);
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
  });
  const changing = (async () => {
    for (let i = 0; i < 15; i++) {
      await kit.write("keys/k/rotate");
      await kit.write("keys/r/config", { deletion_allowed: i % 2 === 0 });
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
  })();
  await Promise.all([...encrypting, changing]);
  assertEquals(made.length, 150);
  for (const [key, text, ciphertext] of made) {
    assertEquals(await kit.decrypt(key, ciphertext), b64(text));
  }
  assert(new Set(made.map(([, , ciphertext]) => ciphertext.split(":")[1])).size > 5);
});
