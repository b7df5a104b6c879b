/** Small parts of the server: addresses, the log file, socket files, chains of certificates. */
import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { X509Certificate } from "node:crypto";
import { systemClock, systemRandom } from "../base/clock.ts";
import { loadServerConfig } from "../config/server.ts";
import { announcedAddresses, formatHostPort, parseHostPort } from "./addresses.ts";
import { makeDevCertificate } from "./dev_tls.ts";
import { judgeChain } from "./diagnose/listeners.ts";
import { LogFile } from "./log_file.ts";
import { ListenError } from "./listener.ts";
import { scratch } from "./testing.ts";
import { readTlsPair, TlsFileError } from "./tls_files.ts";
import { clearSocketFile } from "./unix_socket.ts";

Deno.test("hosts and ports are read and written", () => {
  for (const text of ["127.0.0.1:8200", "[::1]:8200", ":8200", "example.org:1"]) {
    const parsed = parseHostPort(text);
    assertEquals(parsed === undefined ? undefined : formatHostPort(parsed), text);
  }
  for (const text of ["", "8200", "a:b", "a:99999", "::1:8200"]) {
    assertEquals(parseHostPort(text), undefined, text);
  }
});

Deno.test("a node announces what it was told, or what it listens on", () => {
  const addresses = (text: string) => {
    const { api, cluster } = announcedAddresses(loadServerConfig([{ name: "a", text }], {}).config);
    return [api, cluster];
  };
  const tcp = (address: string) =>
    `listener "tcp" {\n address = "${address}"\n tls_disable = true\n}\n`;
  assertEquals(addresses(tcp("127.0.0.1:8200")), [
    "http://127.0.0.1:8200",
    "https://127.0.0.1:8201",
  ]);
  assertEquals(addresses(tcp("0.0.0.0:8200")), ["", ""]);
  assertEquals(addresses(`${tcp("0.0.0.0:8200")}api_addr = "https://h:443"`), [
    "https://h:443",
    "https://h:444",
  ]);
  assertEquals(addresses(`${tcp("[::1]:1")}cluster_addr = "http://c:9"`), [
    "http://[::1]:1",
    "https://c:9",
  ]);
});

Deno.test("a log file begins anew by size and age and keeps so many", async () => {
  await using folder = await scratch();
  let now = systemClock.now();
  const clock = { ...systemClock, now: () => now };
  const settings = {
    path: `${folder.path}/h.log`,
    rotateBytes: 25,
    rotateMs: 60_000,
    maxFiles: 2,
  };
  const file = new LogFile(settings, clock);
  const old = () => [...Deno.readDirSync(folder.path)].length - 1;
  file.write("0123456789");
  file.write("0123456789");
  assertEquals(old(), 0);
  now += 1;
  file.write("0123456789");
  assertEquals(old(), 1);
  now += 60_001;
  file.write("later");
  assertEquals(old(), 2);
  now += 60_001;
  file.write("last");
  assertEquals(old(), 2);
  assertEquals(await Deno.readTextFile(settings.path), "last\n");
  await Deno.rename(settings.path, `${folder.path}/moved`);
  file.reopen();
  file.write("after");
  assertEquals(await Deno.readTextFile(settings.path), "after\n");
  file.close();
});

Deno.test("a socket file that somebody listens on is left alone", async () => {
  await using folder = await scratch();
  const path = `${folder.path}/s`;
  await clearSocketFile(path);
  const listener = Deno.listen({ transport: "unix", path });
  await assertRejects(() => clearSocketFile(path), ListenError, "in use");
  listener.close();
  await Deno.writeTextFile(`${folder.path}/file`, "data");
  await assertRejects(() => clearSocketFile(`${folder.path}/file`), ListenError, "no socket");
});

Deno.test("certificates and keys that do not fit are refused with the file's name", async () => {
  await using folder = await scratch();
  const make = (name: string) =>
    makeDevCertificate(`${folder.path}/${name}`, [], systemClock, systemRandom);
  const [a, b] = [await make("a"), await make("b")];
  await readTlsPair(a);
  const mixed = { certPath: a.certPath, keyPath: b.keyPath };
  await assertRejects(() => readTlsPair(mixed), TlsFileError, b.keyPath);
  const absent = { certPath: `${folder.path}/none`, keyPath: a.keyPath };
  await assertRejects(() => readTlsPair(absent), TlsFileError, "no such file");
  const leaf = new X509Certificate(await Deno.readTextFile(a.certPath));
  const ca = new X509Certificate(await Deno.readTextFile(a.caPath));
  const other = new X509Certificate(await Deno.readTextFile(b.caPath));
  const now = systemClock.now();
  const day = 24 * 3600 * 1000;
  assertEquals(judgeChain([leaf, ca], "p", now).status, "ok");
  assertEquals(judgeChain([leaf, other], "p", now).status, "fail");
  assertEquals(judgeChain([ca, leaf], "p", now).status, "fail");
  assertEquals(judgeChain([leaf], "p", now + 350 * day).status, "warn");
  const expired = judgeChain([leaf], "p", now + 400 * day);
  assertEquals(expired.status, "fail");
  assertStringIncludes(expired.message ?? "", "expired");
});
