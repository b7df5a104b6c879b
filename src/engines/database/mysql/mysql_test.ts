/** Users of a real MariaDB, and how its addresses are read. */
import { assertEquals, assertThrows } from "@std/assert";
import { Failure } from "../../../base/failure.ts";
import { TestMariadb } from "../testing/mariadb.ts";
import { keepsThem } from "../testing/promises.ts";
import { parseDsn } from "./dsn.ts";

keepsThem("users of a real MariaDB", () => TestMariadb.start());

Deno.test("data source names are read as Go's driver reads them", () => {
  const password = "p:@/()?#%";
  const read = (template: string) => parseDsn(template, "u", password);
  const usual = read("{{username}}:{{password}}@tcp(db:3307)/app?tls=skip-verify&timeout=90s");
  assertEquals([usual.host, usual.port, usual.database], ["db", 3307, "app"]);
  assertEquals([usual.user, usual.password], ["u", password]);
  assertEquals([usual.tls, usual.connectTimeout], ["skip-verify", 90]);
  const inside = read("root:a:b@c/d@tcp([::1])/");
  assertEquals([inside.user, inside.password], ["root", "a:b@c/d"]);
  assertEquals([inside.host, inside.port], ["::1", 3306]);
  assertEquals(read("/").host, "127.0.0.1");
  assertEquals(read("u@unix(/run/my.sock)/").socketPath, "/run/my.sock");
});

Deno.test("names that can't be right are refused", () => {
  const wrong = ["tcp", "u@tcp(h:0)/", "u@tcp(h:1:2)/", "u@udp(h)/", "u@tcp(h)/?tls=maybe"];
  for (const template of [...wrong, "u@tcp(h)/?timeout=soon"]) {
    assertThrows(() => parseDsn(template, "u", "p"), Failure, "connection_url", template);
  }
});
