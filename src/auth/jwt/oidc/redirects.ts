/** Where a provider may send a browser back to. */

/** An address of this machine; the port is one that a program happened to get (RFC 8252, 7.3). */
const loopback = /^(https?:\/\/(?:localhost|127\.0\.0\.1|\[::1\]))(?::\d{1,5})?(?=[/?]|$)/;

/**
 * Whether an address is one of the allowed ones, to the letter; only the port may be another where
 * the browser stays on its own machine.
 */
export function isAllowedRedirect(address: string, allowed: readonly string[]): boolean {
  if (allowed.includes(address)) return true;
  if (!loopback.test(address)) return false;
  const plain = (text: string) => text.replace(loopback, "$1");
  const wanted = plain(address);
  return allowed.some((one) => loopback.test(one) && plain(one) === wanted);
}

/** The address without its `namespace` parameter, and what that was. */
export function splitNamespace(address: string): { address: string; namespace: string } {
  if (!URL.canParse(address)) return { address, namespace: "" };
  const url = new URL(address);
  const namespace = url.searchParams.get("namespace") ?? "";
  if (namespace === "") return { address, namespace };
  url.searchParams.delete("namespace");
  return { address: url.href, namespace };
}
