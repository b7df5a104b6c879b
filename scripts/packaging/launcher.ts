/** One executable file out of a shell script, the runtime and the program. */
import { gzipSync } from "node:zlib";
import type { Files } from "./bundle.ts";
import { client, common, operator, server, serverRuntime, tokenHelper } from "./permissions.ts";
import { type ArchiveFile, tar } from "../../src/base/tar.ts";

/** The file's bytes. `runtime` is the Deno executable's. */
export async function selfExtracting(
  script: string,
  runtime: Uint8Array<ArrayBuffer>,
  files: Files,
): Promise<Uint8Array<ArrayBuffer>> {
  const encoder = new TextEncoder();
  const contents: ArchiveFile[] = [
    { name: "holdfast", mode: 0o555, content: runtime },
    ...[...files].map(([name, text]) => ({ name, mode: 0o444, content: encoder.encode(text) })),
  ];
  const sums = await Promise.all(
    contents.map(async ({ name, content }) => `${await sha256(content)}  ${name}\n`),
  );
  const manifest = encoder.encode(sums.join(""));
  contents.push({ name: "SHA256SUMS", mode: 0o444, content: manifest });
  const archive = gzipSync(tar(contents), { level: 6 });
  const head = encoder.encode(fill(script, (await sha256(manifest)).slice(0, 32)));
  const out = new Uint8Array(head.length + archive.length);
  out.set(head);
  out.set(archive, head.length);
  return out;
}

/** The script with its blanks filled in; the offset, counted from 1, is that of what follows it. */
function fill(script: string, hash: string): string {
  const blanks: Record<string, string> = {
    HASH: hash,
    COMMON: common.join(" "),
    SERVER: [...serverRuntime, ...server].join(" "),
    DEV: tokenHelper.join(" "),
    OPERATOR: operator.join(" "),
    CLIENT: client.join(" "),
    // As wide as its value will be.
    OFFSET: "000000",
  };
  const text = `${
    script.replace(/@([A-Z]+)@/g, (_, name: string) => {
      const value = blanks[name];
      if (value === undefined) throw new Error(`the launcher has an unknown blank: ${name}`);
      return value;
    }).trimEnd()
  }\n`;
  const offset = new TextEncoder().encode(text).length + 1;
  return text.replace("offset=000000", `offset=${String(offset).padEnd(6)}`);
}

async function sha256(bytes: Uint8Array<ArrayBuffer> | Uint8Array): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new Uint8Array(bytes));
  return new Uint8Array(digest).toHex();
}
