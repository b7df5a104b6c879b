import { assertEquals, assertStringIncludes } from "@std/assert";
import { utf8 } from "../../base/bytes.ts";
import { runCli } from "../main.ts";
import { fakeIo } from "../testing/fake_io.ts";

async function gzip(text: string): Promise<Uint8Array<ArrayBuffer>> {
  const packed = new Blob([utf8(text)]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(packed).arrayBuffer());
}

async function save(body: Uint8Array<ArrayBuffer>) {
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () => new Response(body),
  );
  const io = fakeIo({
    env: { VAULT_ADDR: `http://127.0.0.1:${server.addr.port}`, VAULT_TOKEN: "t" },
    files: { "s.snap": "older" },
  });
  const code = await runCli(["operator", "raft", "snapshot", "save", "s.snap"], io);
  return { code, io };
}

Deno.test("a whole snapshot replaces the file", async () => {
  const packed = await gzip("state");
  const { code, io } = await save(packed);
  assertEquals(code, 0, io.printed.err);
  assertEquals([...io.files], [["s.snap", packed]]);
});

Deno.test("a snapshot that is cut short or empty leaves the older file as it was", async () => {
  const packed = await gzip("state");
  for (const bad of [packed.slice(0, -6), new Uint8Array(), utf8("no gzip")]) {
    const { code, io } = await save(bad);
    assertEquals(code, 2);
    assertStringIncludes(io.printed.err, "Error taking the snapshot");
    assertEquals([...io.files], [["s.snap", utf8("older")]]);
  }
});
