/** Address ranges, IPv4 and IPv6, as bound_cidrs holds them. */
import { BlockList, isIP } from "node:net";

/** Cuts "address/bits"; a bare address is a range of one. Undefined where it is neither. */
export function parseCidr(
  text: string,
): { address: string; bits: number; family: "ipv4" | "ipv6" } | undefined {
  const [address = "", bitsText, extra] = text.trim().split("/");
  const version = isIP(address);
  if (version === 0 || extra !== undefined) return undefined;
  const most = version === 4 ? 32 : 128;
  const bits = bitsText === undefined ? most : /^\d{1,3}$/.test(bitsText) ? Number(bitsText) : -1;
  if (bits < 0 || bits > most) return undefined;
  return { address, bits, family: version === 4 ? "ipv4" : "ipv6" };
}

/** Whether an address lies in a range. IPv4 in its IPv6 form counts as IPv4. */
export function cidrContains(cidr: string, address: string): boolean {
  const range = parseCidr(cidr);
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, "");
  const version = isIP(plain);
  if (range === undefined || version === 0) return false;
  const list = new BlockList();
  list.addSubnet(range.address, range.bits, range.family);
  return list.check(plain, version === 4 ? "ipv4" : "ipv6");
}
