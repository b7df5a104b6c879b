/** What an operator sets for all limits at once. */
import { assertEquals } from "@std/assert";
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
