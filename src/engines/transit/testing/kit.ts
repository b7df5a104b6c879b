/** A node in memory with a transit mount, for tests. */
import { toBase64, utf8 } from "../../../base/bytes.ts";
import { type Asked, NodeKit } from "../../../core/testing/kit.ts";
import type { JsonObject, JsonValue } from "../../../logical/json.ts";
import { backendFactory } from "../../../server/backends.ts";

/** Text in base64. */
export const b64 = (text: string): string => toBase64(utf8(text));

/** Requests to the mount `t/`. */
export class TransitKit {
  constructor(readonly node: NodeKit) {}

  /** The answer's data. Throws `Failure`. */
  async write(path: string, data: JsonObject = {}, asked: Asked = {}): Promise<JsonObject> {
    return (await this.node.ask("update", `t/${path}`, { ...asked, data })).data ?? {};
  }

  async read(path: string): Promise<JsonObject> {
    return (await this.node.ask("read", `t/${path}`)).data ?? {};
  }

  status(path: string, data: JsonObject = {}, asked: Asked = {}): Promise<number> {
    return this.node.status("update", `t/${path}`, { ...asked, data });
  }

  async encrypt(key: string, plaintext: string, more: JsonObject = {}): Promise<string> {
    return text(
      (await this.write(`encrypt/${key}`, { plaintext: b64(plaintext), ...more })).ciphertext,
    );
  }

  async decrypt(key: string, ciphertext: string, more: JsonObject = {}): Promise<JsonValue> {
    return (await this.write(`decrypt/${key}`, { ciphertext, ...more })).plaintext ?? null;
  }

  /** All that is stored for the mount, by key. */
  async stored(): Promise<string[]> {
    const uuid = this.node.node.services.mounts.router.at("t/")?.entry.uuid;
    const prefix = `logical/${uuid}/`;
    const entries = await this.node.node.services.transactions.run((t) =>
      t.scan(prefix, { limit: 10_000 })
    );
    return entries.map(({ key }) => key.slice(prefix.length));
  }
}

/** A started node with transit at `t/`. */
export async function startTransit(): Promise<TransitKit> {
  const kit = new NodeKit({ backends: (services, node) => backendFactory(node)(services) });
  const node = await kit.start();
  await node.ask("update", "sys/mounts/t", { data: { type: "transit" } });
  return new TransitKit(node);
}

/** A text of an answer. */
export function text(value: JsonValue | undefined): string {
  if (typeof value === "string") return value;
  throw new TypeError("a text was expected");
}
