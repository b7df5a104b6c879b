/** A key is wrapped on this machine, so that only the node's wrapping key opens it. */
import { assertEquals } from "@std/assert";
import { fromBase64, utf8 } from "../../base/bytes.ts";
import { toPem } from "../../crypto/keys.ts";
import { portableKeys } from "../../crypto/portable_keys.ts";
import { unwrapFromJourney } from "../../crypto/wrapped_key.ts";
import { asObject, asText } from "../json.ts";
import { runCli } from "../main.ts";
import { fakeIo } from "../testing/fake_io.ts";
import { testNode } from "../testing/node.ts";

for (const [verb, operation] of [["import", "import"], ["import-version", "import_version"]]) {
  Deno.test(`transit ${verb} sends the key wrapped, and what was said of it`, async () => {
    const pair = await portableKeys.generate("rsa-2048");
    const public_key = toPem("PUBLIC KEY", pair.publicKey.spki());
    await using node = testNode({ "GET t/wrapping_key": { body: { data: { public_key } } } });
    const io = fakeIo({
      env: { VAULT_ADDR: node.address, VAULT_TOKEN: "hvs.me" },
      files: { "key.b64": "dGhlIGtleQ==\n" },
    });
    const args = ["transit", verb ?? "", "t/keys/orders", "@key.b64", "exportable=true"];
    assertEquals(await runCli(args, io), 0, io.printed.err);
    const [, sent] = node.seen;
    assertEquals(sent?.path, `t/keys/orders/${operation}`);
    const { ciphertext, ...rest } = asObject(sent?.body);
    assertEquals(rest, { exportable: "true", hash_function: "SHA256" });
    const wrapped = fromBase64(asText(ciphertext)) ?? new Uint8Array();
    assertEquals(await unwrapFromJourney(pair, wrapped, "sha256"), utf8("the key"));
    assertEquals(io.printed.out.includes("dGhlIGtleQ"), false);
  });
}
