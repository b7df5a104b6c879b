/**
 * `auto_join`: how the nodes of a cluster are found, as `key=value` pairs behind `provider=`, the
 * form that other programs have it in. Only DNS is here:
 *
 * - `provider=dns name=NAME`: each address of NAME, at the port `auto_join_port`;
 * - `provider=dns name=NAME type=srv`: hosts and ports of NAME's SRV records (RFC 2782);
 * - either with `nameserver=ADDRESS[:PORT]` (an IP address), instead of the system's.
 */
export interface AutoJoin {
  readonly name: string;
  readonly type: "address" | "srv";
  readonly nameServer: { readonly ipAddr: string; readonly port: number } | undefined;
}

/** Returns what is wrong as a text. */
export function parseAutoJoin(text: string): AutoJoin | string {
  const pairs = new Map<string, string>();
  for (const word of text.trim().split(/\s+/)) {
    const at = word.indexOf("=");
    if (at < 1 || at === word.length - 1) return `auto_join: "${word}" is not key=value`;
    pairs.set(word.slice(0, at), word.slice(at + 1));
  }
  const provider = pairs.get("provider");
  if (provider !== "dns") {
    return `auto_join: provider "${provider ?? ""}" is not known, only "dns" is`;
  }
  const odd = [...pairs.keys()].find((key) => !known.includes(key));
  if (odd !== undefined) return `auto_join: unknown key "${odd}", known are ${known.join(", ")}`;
  const name = pairs.get("name"), type = pairs.get("type") ?? "address";
  if (name === undefined) return "auto_join: provider=dns needs name=";
  if (type !== "address" && type !== "srv") return 'auto_join: type is "address" or "srv"';
  const server = pairs.get("nameserver");
  const nameServer = server === undefined ? undefined : parseNameServer(server);
  if (server !== undefined && nameServer === undefined) {
    return `auto_join: nameserver "${server}" is no IP address, with or without a port`;
  }
  return { name, type, nameServer };
}

const known = ["provider", "name", "type", "nameserver"];

function parseNameServer(text: string): AutoJoin["nameServer"] {
  const match = /^(?:\[([\da-f:.]+)\]|(\d+\.\d+\.\d+\.\d+))(?::(\d{1,5}))?$/i.exec(text);
  const ipAddr = match?.[1] ?? match?.[2], port = Number(match?.[3] ?? 53);
  return ipAddr === undefined || port < 1 || port > 65535 ? undefined : { ipAddr, port };
}
