import { assertEquals, assertStringIncludes } from "@std/assert";
import { runCli } from "../main.ts";
import { fakeIo } from "../testing/fake_io.ts";
import { testNode } from "../testing/node.ts";

Deno.test("a login through the browser takes what the provider sends back to the node", async () => {
  const port = 21870;
  await using node = testNode({
    "PUT auth/oidc/oidc/auth_url": { body: { data: { auth_url: "https://idp.test/x" } } },
    "GET auth/oidc/oidc/callback": { body: { auth: { client_token: "hvs.new" } } },
  });
  const io = fakeIo({ env: { VAULT_ADDR: node.address } });
  const shown = Promise.withResolvers<void>();
  const patient = {
    ...io,
    err(text: string) {
      io.err(text);
      if (text.includes("https://idp.test/x")) shown.resolve();
    },
    clock: { ...io.clock, after: () => () => {} },
  };
  const done = runCli(
    ["login", "-method=oidc", "-token-only", "role=dev", `port=${port}`],
    patient,
  );
  await shown.promise;
  const page = await fetch(`http://localhost:${port}/oidc/callback?state=s1&code=c1`);
  assertStringIncludes(await page.text(), "logged in");
  assertEquals([await done, io.printed.out], [0, "hvs.new"]);
  assertStringIncludes(node.seen[1]?.path ?? "", "state=s1&code=c1&id_token=&client_nonce=0b30");
});
