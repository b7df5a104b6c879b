/** What tests install for themselves, once a machine. */
export const testCache = `${
  Deno.env.get("XDG_CACHE_HOME") ?? `${Deno.env.get("HOME") ?? "/tmp"}/.cache`
}/holdfast-tests`;

/** A file URL as a path without a slash at its end. */
export function fromFileUrl(url: URL): string {
  return decodeURIComponent(url.pathname).replace(/\/$/, "");
}
