/** A request of which something was done is not said to be undone: it would be done again elsewhere. */
import { assertEquals, assertRejects } from "@std/assert";
import type { JsonObject } from "../../src/logical/json.ts";
import { InmemStorage } from "../../src/storage/inmem.ts";
import { NotLeaderError, OutcomeUnknownError, type Write } from "../../src/storage/storage.ts";
import { startNode } from "./kit.ts";

/** Loses its leadership after so many writes, or in the middle of the last of them. */
class DeposedStorage extends InmemStorage {
  writesLeft = Infinity;
  isLastUnknown = false;

  override async write(batch: readonly Write[]): Promise<void> {
    if (this.writesLeft-- <= 0) throw new NotLeaderError("another node leads");
    await super.write(batch);
    if (this.isLastUnknown && this.writesLeft === 0) throw new OutcomeUnknownError("who knows");
  }
}

Deno.test("a request whose first part is done has an unknown outcome where leadership is lost then", async () => {
  const physical = new DeposedStorage();
  const kit = await startNode({ physical });
  const parent = await kit.token({ policies: ["root"], ttl: "1h" });
  const children: JsonObject = { policies: ["root"], ttl: "1h" };
  for (let i = 0; i < 210; i++) {
    await kit.ask("update", "auth/token/create", { data: children, token: parent });
  }
  physical.writesLeft = 1;
  const revoke = () => kit.ask("update", "auth/token/revoke", { data: { token: parent } });
  await assertRejects(revoke, OutcomeUnknownError);
  physical.writesLeft = 0;
  await assertRejects(
    () => kit.ask("update", "auth/token/create", { data: children }),
    NotLeaderError,
  );
  physical.writesLeft = Infinity;
  await revoke();
  assertEquals(await kit.status("read", "auth/token/lookup-self", { token: parent }), 403);
});

Deno.test("that the outcome is unknown is not forgotten where a use is to be counted", async () => {
  const physical = new DeposedStorage();
  const kit = await startNode({ physical });
  const token = await kit.token({ policies: ["root"], num_uses: 3 });
  physical.writesLeft = 1;
  physical.isLastUnknown = true;
  const put = () => kit.ask("update", "cubbyhole/x", { data: { a: "1" }, token });
  await assertRejects(put, OutcomeUnknownError);
});

Deno.test("a request that fails after its use was counted takes no other", async () => {
  const kit = await startNode();
  const lease = await kit.token({ policies: ["root"], ttl: "1h" });
  const token = await kit.token({ policies: ["root"], num_uses: 3 });
  const { services } = kit.node;
  const finish = services.revoker.finish.bind(services.revoker);
  let isBroken = true;
  services.revoker.finish = () => {
    if (!isBroken) return finish();
    isBroken = false;
    return Promise.reject(new Error("the disk failed"));
  };
  const path = "auth/token/lookup";
  await assertRejects(() => kit.ask("update", path, { data: { token: lease }, token }), Error);
  const { data } = await kit.ask("read", "auth/token/lookup-self", { token });
  assertEquals(data?.num_uses, 1, "of three one is gone, and this is the second");
});
