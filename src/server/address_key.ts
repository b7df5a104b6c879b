/** One form of an IP address, whatever text or bytes it comes as: 32 hexadecimal digits. */

const mappedPrefix = "00000000000000000000ffff";

/** Of `192.0.2.1`, `2001:db8::1`, `::ffff:192.0.2.1`. Undefined where the text is no address. */
export function addressKey(text: string): string | undefined {
  const v4 = ipv4(text);
  if (v4 !== undefined) return mappedPrefix + v4;
  // A zone (`fe80::1%eth0`) says where the address is, not which it is.
  let body = text.replace(/%.*$/, "");
  const tail = /^(.*:)([\d.]+)$/.exec(body);
  if (tail?.[1] !== undefined && tail[2]?.includes(".")) {
    const last = ipv4(tail[2]);
    if (last === undefined) return undefined;
    body = `${tail[1]}${last.slice(0, 4)}:${last.slice(4)}`;
  }
  return ipv6(body);
}

/** Of the 4 or 16 bytes that the kernel keeps. */
export function addressKeyOfBytes(bytes: Uint8Array): string {
  return bytes.length === 4 ? mappedPrefix + bytes.toHex() : bytes.toHex();
}

function ipv4(text: string): string | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  if (match === null) return undefined;
  const parts = match.slice(1).map(Number);
  if (parts.some((part) => part > 255)) return undefined;
  return parts.map((part) => part.toString(16).padStart(2, "0")).join("");
}

function ipv6(text: string): string | undefined {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const groups = (half: string) => half === "" ? [] : half.split(":");
  const [head, tail] = [groups(halves[0] ?? ""), groups(halves[1] ?? "")];
  const missing = 8 - head.length - tail.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const all = [...head, ...Array<string>(missing).fill("0"), ...tail];
  if (!all.every((group) => /^[0-9a-fA-F]{1,4}$/.test(group))) return undefined;
  return all.map((group) => group.toLowerCase().padStart(4, "0")).join("");
}
