/** A node in memory with a pki mount, for tests. */
import { type Asked, NodeKit } from "../../../core/testing/kit.ts";
import { fromPem } from "../../../crypto/keys.ts";
import { type Certificate, readCertificate } from "../../../crypto/x509/certificate.ts";
import type { JsonObject, JsonValue } from "../../../logical/json.ts";
import type { LogicalResponse } from "../../../logical/response.ts";
import { backendFactory } from "../../../server/backends.ts";

/** Requests to the mount `p/`. */
export class PkiKit {
  constructor(readonly node: NodeKit, readonly mount = "p") {}

  /** The whole answer. Throws `Failure`. */
  ask(path: string, data: JsonObject = {}, asked: Asked = {}): Promise<LogicalResponse> {
    return this.node.ask("update", `${this.mount}/${path}`, { ...asked, data });
  }

  /** The answer's data. Throws `Failure`. */
  async write(path: string, data: JsonObject = {}, asked: Asked = {}): Promise<JsonObject> {
    return (await this.ask(path, data, asked)).data ?? {};
  }

  async read(path: string): Promise<JsonObject> {
    return (await this.node.ask("read", `${this.mount}/${path}`)).data ?? {};
  }

  async list(path: string): Promise<JsonValue[]> {
    const { keys } = (await this.node.ask("list", `${this.mount}/${path}/`)).data ?? {};
    return Array.isArray(keys) ? keys : [];
  }

  status(path: string, data: JsonObject = {}): Promise<number> {
    return this.node.status("update", `${this.mount}/${path}`, { data });
  }

  /** The bytes of a file that is answered. */
  async file(path: string): Promise<Uint8Array<ArrayBuffer>> {
    const body = (await this.node.ask("read", `${this.mount}/${path}`)).raw?.body;
    if (body instanceof Uint8Array) return body;
    return new TextEncoder().encode(typeof body === "string" ? body : "");
  }

  /** Issues by a role; the certificate, read. */
  async issue(role: string, data: JsonObject): Promise<Certificate> {
    return readPem((await this.write(`issue/${role}`, data)).certificate);
  }
}

/** The certificate in an answer. */
export function readPem(value: JsonValue | undefined): Certificate {
  return readCertificate(fromPem(text(value)).der);
}

/** A text of an answer. */
export function text(value: JsonValue | undefined): string {
  if (typeof value === "string") return value;
  throw new TypeError("a text was expected");
}

/** A started node with pki at `p/`, a root, and a role `any` that lets all names through. */
export async function startPki(): Promise<PkiKit> {
  const kit = new NodeKit({ backends: (services, node) => backendFactory(node)(services) });
  const node = await kit.start();
  const pki = await mountPki(node, "p");
  await pki.write("root/generate/internal", { common_name: "Root", key_type: "ec", ttl: "700h" });
  await pki.write("roles/any", { allow_any_name: true, key_type: "ec", ttl: "1h" });
  return pki;
}

/** Another mount of the same node, empty. */
export async function mountPki(node: NodeKit, path: string): Promise<PkiKit> {
  await node.ask("update", `sys/mounts/${path}`, { data: { type: "pki" } });
  return new PkiKit(node, path);
}
