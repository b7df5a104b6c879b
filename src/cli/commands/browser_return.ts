/** The port that a provider sends the browser back to, and the pages that are shown there. */
import { CommandError } from "../errors.ts";

/** What the provider gave the browser; "" for what it did not. */
export interface Returned {
  readonly state: string;
  readonly code: string;
  readonly idToken: string;
  readonly error: string;
  readonly description: string;
  /** It came as a form that the provider had the browser post. */
  readonly isPosted: boolean;
}

export interface BrowserPort extends AsyncDisposable {
  /** Ends with what `work` makes of the first return that it is for. Rejects as `work` does. */
  readonly result: Promise<unknown>;
}

/** Larger forms are none of a provider's. */
const formBytesMax = 256 * 1024;

/**
 * Waits for browsers at `/oidc/callback`. One whose state is not `isExpected` is sent away, so that
 * no other page can end the login. Throws CommandError where the port can't be had.
 */
export function listenForBrowser<T>(
  { hostname, port }: { readonly hostname: string; readonly port: number },
  isExpected: (state: string) => boolean,
  work: (returned: Returned) => Promise<T>,
): BrowserPort & { readonly result: Promise<T> } {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  let isTaken = false;
  const handle = async (request: Request): Promise<Response> => {
    const { pathname } = new URL(request.url);
    if (pathname !== "/oidc/callback") return page(404, "Not found", "Nothing is here.");
    if (request.method !== "GET" && request.method !== "POST") {
      return page(405, "Not allowed", "Only a browser that comes back from a login is expected.");
    }
    const returned = await read(request);
    if (returned === undefined || !isExpected(returned.state) || isTaken) {
      return page(400, "Not this login", "This is not the login that is being waited for.");
    }
    isTaken = true;
    try {
      const value = await work(returned);
      resolve(value);
      return page(200, "You are logged in", "You may close this page and go back to the terminal.");
    } catch (error) {
      reject(error);
      return page(
        400,
        "The login has failed",
        "The terminal says why. You may close this page.",
      );
    }
  };
  const server = serve(hostname, port, handle);
  return {
    result: promise,
    // What is being answered is answered.
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

function serve(
  hostname: string,
  port: number,
  handle: (request: Request) => Promise<Response>,
): Deno.HttpServer {
  try {
    return Deno.serve({ hostname, port, onListen: () => {} }, handle);
  } catch (error) {
    const reason = error instanceof Deno.errors.AddrInUse
      ? "another program has it"
      : "it can't be listened on";
    throw new CommandError(
      `Error: the login comes back to port ${port} of ${hostname}, but ${reason}: give another ` +
        "with port=…, to which the provider and the role must agree",
      1,
      { cause: error },
    );
  }
}

async function read(request: Request): Promise<Returned | undefined> {
  const isPosted = request.method === "POST";
  const length = Number(request.headers.get("content-length") ?? "0");
  if (isPosted && length > formBytesMax) return undefined;
  const parameters = isPosted
    ? new URLSearchParams(await request.text())
    : new URL(request.url).searchParams;
  const value = (name: string) => parameters.get(name) ?? "";
  return {
    state: value("state"),
    code: value("code"),
    idToken: value("id_token"),
    error: value("error"),
    description: value("error_description"),
    isPosted,
  };
}

/** `title` and `text` are ours: nothing of a request is shown. */
function page(status: number, title: string, text: string): Response {
  const html = `<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>${title}</title>
<style>body{font-family:system-ui,sans-serif;max-width:36em;margin:4em auto;padding:0 1em}</style>
</head><body><h1>${title}</h1><p>${text}</p></body></html>
`;
  return new Response(html, {
    status,
    headers: {
      "content-type": "text/html; charset=utf-8",
      "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'",
      "cache-control": "no-store",
      "referrer-policy": "no-referrer",
      "connection": "close",
    },
  });
}
