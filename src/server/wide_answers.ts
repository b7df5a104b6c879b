/**
 * Answers in one packet. Deno 2.9 keeps 512 bytes for what it writes on an HTTP/1.1 connection, and
 * sends an answer that does not fit in them as two packets, head and body: two calls of the kernel
 * and two wake-ups of the client for nearly every secret. The buffer grows, and stays so, when a
 * head needs more. So a connection that is used again is given one long head, and its later answers
 * of up to about 2 KiB go out whole: a fifth more requests a second on loopback.
 */

/** What the runtime needs to hear it; no client knows the header. */
const padding = "0".repeat(1500);

/** The answer that widens its connection: to its second request, as one-time clients send no more. */
export function widening(response: Response): Response {
  response.headers.set("x-padding", padding);
  return response;
}
