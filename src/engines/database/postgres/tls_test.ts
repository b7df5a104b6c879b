/** Encrypted connections to a real PostgreSQL. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { Failure } from "../../../base/failure.ts";
import type { JsonObject } from "../../../logical/json.ts";
import { serverName } from "../testing/certificates.ts";
import { databaseNode } from "../testing/node.ts";
import { TestPostgres } from "../testing/postgres.ts";

Deno.test("a connection to PostgreSQL is as verified as its sslmode says", async (t) => {
  const database = await TestPostgres.start();
  if (database === undefined) return;
  const kit = await databaseNode();
  await kit.ask("update", "sys/mounts/database", { data: { type: "database" } });
  await database.asSuper("create role certified superuser login");
  const { ca, otherCa, clientCert, clientKey } = database.certificates;
  const url = (mode: string, host = "127.0.0.1") =>
    `postgresql://{{username}}:{{password}}@${host}:${database.port}/postgres?sslmode=${mode}`;
  const write = (mode: string, data: JsonObject, host?: string) => {
    const connection_url = url(mode, host);
    return kit.ask("update", "database/config/tls", {
      data: { ...database.config, connection_url, ...data },
    });
  };
  const refused = async (asked: Promise<unknown>, why: RegExp) => {
    const error = await assertRejects(() => asked, Failure);
    assertEquals(error.status, 400);
    assert(why.test(error.message), error.message);
  };
  /** How many of our sessions are encrypted. */
  const encrypted = () =>
    database.asSuper(
      "select count(*) from pg_stat_ssl join pg_stat_activity using (pid) " +
        "where ssl and application_name = 'holdfast'",
    );
  try {
    await t.step("require encrypts and trusts anybody", async () => {
      await write("require", {});
      await kit.ask("update", "database/reset/tls");
      assertEquals(await encrypted(), "1");
    });
    await t.step("verify-ca asks for the right authority, not for whom", async () => {
      await write("verify-ca", { tls_ca: ca });
      await write("verify-ca", { tls_ca: ca }, "localhost");
      await refused(write("verify-ca", { tls_ca: otherCa }), /certificate/);
    });
    await t.step("verify-full asks for the host as well", async () => {
      await write("verify-full", { tls_ca: ca });
      await refused(write("verify-full", { tls_ca: ca }, "localhost"), /altnames|host/i);
      await refused(write("verify-full", { tls_ca: otherCa }), /certificate/);
    });
    await t.step("a client's certificate opens without a password; its key is kept", async () => {
      const who = { username: "certified", password: "none", tls_ca: ca };
      const pair = { tls_certificate: clientCert, private_key: clientKey };
      await refused(write("verify-full", who), /certificate/);
      await write("verify-full", { ...who, ...pair });
      const kept = JSON.stringify(await kit.ask("read", "database/config/tls"));
      assert(!kept.includes("PRIVATE"));
    });
    await t.step("certificate and key may come in one text", async () => {
      const who = { username: "certified", password: "none", tls_ca: ca };
      await write("verify-full", {
        ...who,
        tls_certificate: "",
        tls_certificate_key: `${clientCert}${clientKey}`,
      });
      await kit.ask("update", "database/reset/tls");
      const kept = JSON.stringify(await kit.ask("read", "database/config/tls"));
      assert(!kept.includes("PRIVATE"));
    });
    await t.step("the certificate may be for another name than the host's, if told", async () => {
      const named = { tls_ca: ca, tls_server_name: serverName };
      await write("verify-full", named, "localhost");
      const other = { tls_ca: ca, tls_server_name: "elsewhere.test" };
      await refused(write("verify-full", other), /altnames/);
    });
    await t.step("what is no certificate is refused and not repeated", async () => {
      await refused(write("verify-full", { tls_ca: "nonsense" }), /^tls_ca holds no certificate/);
      const half = { tls_ca: ca, tls_certificate: "", private_key: clientKey };
      await refused(write("verify-full", half), /^tls_certificate_key holds no certificate/);
    });
  } finally {
    await kit.node.seal();
    await database.server.remove();
  }
});
