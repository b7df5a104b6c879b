/**
 * A request as it came, to be looked at again: the constructor of `Request` writes paths with dots
 * and some methods differently, and refuses others, so that what it makes could be another request.
 */

/** `url` and `method` are kept to the letter. */
export function exactRequest(
  url: string,
  method: string,
  headers: HeadersInit,
  body?: string | Uint8Array<ArrayBuffer>,
): Request {
  const hasBody = body !== undefined && body.length > 0 && method !== "GET" && method !== "HEAD";
  const request = new Request(url, {
    // Whoever reads it sees the method below; this one decides whether there may be a body.
    method: hasBody ? "POST" : "GET",
    headers,
    ...(hasBody ? { body } : {}),
  });
  return Object.defineProperties(request, { url: { value: url }, method: { value: method } });
}

/** Path and query of a request's URL, as they came. */
export function targetOf(url: string): string {
  const path = url.indexOf("/", url.indexOf("://") + 3);
  return path < 0 ? "/" : url.slice(path);
}
