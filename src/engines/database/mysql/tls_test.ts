/** Encrypted connections to a real MariaDB. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { Failure } from "../../../base/failure.ts";
import type { JsonObject } from "../../../logical/json.ts";
import { serverName } from "../testing/certificates.ts";
import { TestMariadb } from "../testing/mariadb.ts";
import { databaseNode } from "../testing/node.ts";

Deno.test("a connection to MariaDB is as encrypted and as verified as it is set to be", async (t) => {
  const database = await TestMariadb.start();
  if (database === undefined) return;
  const kit = await databaseNode();
  await kit.ask("update", "sys/mounts/database", { data: { type: "database" } });
  for (const need of ["ssl", "x509"]) {
    await database.asSuper(`grant usage on *.* to 'need_${need}'@'%' identified by 'pw'`);
    await database.asSuper(`alter user 'need_${need}'@'%' require ${need}`);
  }
  const { ca, otherCa, clientCert, clientKey } = database.certificates;
  const at = `{{username}}:{{password}}@tcp(127.0.0.1:${database.port})/`;
  const usual = { ...database.config, username: "need_ssl", password: "pw" };
  const write = (data: JsonObject) =>
    kit.ask("update", "database/config/tls", { data: { ...usual, ...data } });
  const opens = async (data: JsonObject) => assertEquals((await write(data)).warnings, undefined);
  const refused = async (data: JsonObject, why: RegExp) => {
    const error = await assertRejects(() => write(data), Failure);
    assertEquals(error.status, 400);
    assert(why.test(error.message), error.message);
  };
  try {
    await t.step("without TLS a user who needs it is refused", () => refused({}, /denied/));
    await t.step("with the right authority it opens", () => opens({ tls_ca: ca }));
    await t.step("with another one it does not", () => refused({ tls_ca: otherCa }, /certificate/));
    await t.step(
      "the certificate must be for the host, or for the name that is given",
      async () => {
        await opens({ tls_ca: ca, tls_server_name: serverName });
        for (const other of ["elsewhere.test", "127.0.0.2"]) {
          await refused({ tls_ca: ca, tls_server_name: other }, /altnames/);
        }
      },
    );
    await t.step("nothing is verified where that is what was asked for", async () => {
      await opens({ tls_ca: otherCa, tls_server_name: "", tls_skip_verify: true });
      await opens({ tls_ca: "", connection_url: `${at}?tls=skip-verify` });
      await opens({ connection_url: `${at}?tls=preferred` });
    });
    await t.step("tls=true trusts the system's authorities alone", async () => {
      const connection_url = `${at}?tls=true`;
      await refused({ tls_skip_verify: false, connection_url }, /certificate/);
    });
    await t.step("a client's certificate is shown, and its key to nobody", async () => {
      const pair = `${clientCert}${clientKey}`;
      const config = { username: "need_x509", tls_ca: ca, connection_url: at };
      await refused(config, /denied/);
      await opens({ ...config, tls_certificate_key: pair });
      const kept = JSON.stringify(await kit.ask("read", "database/config/tls"));
      assert(!kept.includes("PRIVATE"));
    });
    await t.step("what is no certificate is refused and not repeated", async () => {
      await refused({ tls_ca: "nonsense" }, /^tls_ca holds no certificate as PEM$/);
      await refused({ tls_certificate_key: clientCert }, /^tls_certificate_key must be/);
      await refused({ tls_skip_verify: "maybe" }, /^tls_skip_verify must be true or false$/);
    });
  } finally {
    await kit.node.seal();
    await database.server.remove();
  }
});
