/** What an operator sets for all limits at once. */
import { assertEquals } from "@std/assert";
import { Failure } from "../../src/base/failure.ts";
import { settle } from "../../src/core/testing/kit.ts";
import type { JsonObject } from "../../src/logical/json.ts";
import { startNode } from "./kit.ts";

Deno.test("what a configuration of the quotas does not name is as by default", async () => {
  const kit = await startNode();
  const config = async () => (await kit.ask("read", "sys/quotas/config")).data;
  await kit.ask("update", "sys/quotas/config", {
    data: { rate_limit_exempt_paths: ["a/b"], enable_rate_limit_response_headers: true },
  });
  assertEquals(await config(), {
    rate_limit_exempt_paths: ["a/b"],
    enable_rate_limit_audit_logging: false,
    enable_rate_limit_response_headers: true,
  });
  await kit.ask("update", "sys/quotas/config", { data: { enable_rate_limit_audit_logging: true } });
  assertEquals(await config(), {
    rate_limit_exempt_paths: [],
    enable_rate_limit_audit_logging: true,
    enable_rate_limit_response_headers: false,
  });
});

Deno.test("a lease count for a role counts its logins alone, in a burst and after a restart", async () => {
  const kit = await startNode();
  await kit.ask("update", "sys/auth/approle", { data: { type: "approle" } });
  const roles = new Map<string, JsonObject>();
  for (const name of ["web", "other"]) {
    await kit.ask("update", `auth/approle/role/${name}`, { data: { token_ttl: "1m" } });
    const { data } = await kit.ask("read", `auth/approle/role/${name}/role-id`);
    const made = await kit.ask("update", `auth/approle/role/${name}/secret-id`);
    roles.set(name, { role_id: data?.role_id ?? "", secret_id: made.data?.secret_id ?? "" });
  }
  const login = (name: string) =>
    kit.ask("update", "auth/approle/login", { token: "", data: roles.get(name) ?? {} })
      .then(({ auth }) => auth?.clientToken ?? "")
      .catch((error) => {
        if (error instanceof Failure && error.status === 429) return undefined;
        throw error;
      });
  const letIn = async (name: string, count: number) => {
    const all = await Promise.all(Array.from({ length: count }, () => login(name)));
    return all.filter((token) => token !== undefined);
  };
  const counter = async () => (await kit.ask("read", "sys/quotas/lease-count/q")).data?.counter;

  await kit.ask("update", "sys/quotas/lease-count/q", {
    data: { path: "auth/approle", role: "web", max_leases: 5 },
  });
  const [first = "", ...others] = await letIn("web", 30);
  assertEquals([others.length, await counter()], [4, 5]);
  assertEquals((await letIn("other", 10)).length, 10);

  await kit.ask("update", "auth/token/revoke", { data: { token: first } });
  assertEquals((await letIn("web", 3)).length, 1);
  await kit.node.seal();
  await kit.start();
  assertEquals([await login("web"), await counter()], [undefined, 5]);

  await kit.clock.advance(61_000);
  await settle();
  assertEquals([await counter(), (await letIn("web", 9)).length], [0, 5]);
  await kit.clock.advance(61_000);
  await settle();
  const { transactions } = kit.node.services;
  assertEquals(await transactions.run((t) => t.scan("sys/token/counted/", { limit: 9 })), []);
});

Deno.test("a limit holds for its mount or path however that is written", async () => {
  const kit = await startNode();
  await kit.ask("update", "sys/mounts/one", { data: { type: "kv" } });
  const forms = ["one", "one/", "/one", "one/a", "one/a/", "/one/a", "one/*"];
  for (const path of forms) {
    await kit.ask("update", "sys/quotas/rate-limit/q", { data: { path, rate: 1, interval: "1m" } });
    const kept = (await kit.ask("read", "sys/quotas/rate-limit/q")).data?.path;
    assertEquals(kept, path.includes("*") ? "one/*" : path.includes("a") ? "one/a" : "one/", path);
    const statuses: number[] = [];
    for (let i = 0; i < 2; i++) statuses.push(await kit.status("read", "one/a"));
    assertEquals(statuses, [404, 429], path);
    await kit.ask("delete", "sys/quotas/rate-limit/q");
  }
});

Deno.test("a rate limit for a role holds for its logins alone", async () => {
  const kit = await startNode();
  await kit.ask("update", "sys/auth/approle", { data: { type: "approle" } });
  const ids: string[] = [];
  for (const name of ["web", "other"]) {
    await kit.ask("update", `auth/approle/role/${name}`);
    ids.push(
      String((await kit.ask("read", `auth/approle/role/${name}/role-id`)).data?.role_id ?? ""),
    );
  }
  await kit.ask("update", "sys/quotas/rate-limit/r", {
    data: { path: "auth/approle", role: "web", rate: 2, interval: "1m" },
  });
  const statuses = async (roleId: string | undefined) => {
    const all: number[] = [];
    for (let i = 0; i < 4; i++) {
      all.push(
        await kit.status("update", "auth/approle/login", {
          token: "",
          data: { role_id: roleId ?? "", secret_id: "wrong" },
        }),
      );
    }
    return all;
  };
  assertEquals(await statuses(ids[0]), [400, 400, 429, 429]);
  assertEquals(await statuses(ids[1]), [400, 400, 400, 400]);
});
