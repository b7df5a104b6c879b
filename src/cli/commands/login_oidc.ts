/**
 * Logging in through a browser: the node names an address at the identity provider, the user logs
 * in there, and the provider sends the browser back to a port this command waits on (OpenID
 * Connect Core 1.0, authorization code flow; the node holds the client secret).
 */
import { toHex } from "../../base/bytes.ts";
import { sleep } from "../../base/clock.ts";
import { toSecret } from "../client/secret.ts";
import type { Secret } from "../client/secret.ts";
import { CommandError } from "../errors.ts";
import { asObject, asText } from "../json.ts";
import type { LoginInput } from "./login_methods.ts";

const waitMs = 120_000;

/** Throws CommandError when the browser does not come back in time. */
export async function oidcLogin(input: LoginInput): Promise<Secret | undefined> {
  const { call, client, mount, given } = input;
  const hostname = given.get("listenaddress") ?? "localhost";
  const port = Number(given.get("port") ?? "8250");
  const host = given.get("callbackhost") ?? "localhost";
  const redirect_uri = `http://${host}:${port}/oidc/callback`;
  const client_nonce = toHex(call.io.random.bytes(16));
  const asked = await client.write(`auth/${mount}/oidc/auth_url`, {
    role: given.get("role") ?? "",
    redirect_uri,
    client_nonce,
  });
  const url = asText(asObject(asked?.data).auth_url);
  if (url === "") {
    throw new CommandError("Error: the role or its redirect addresses do not allow this login", 2);
  }
  call.note(`Open this address in a browser on this machine to log in:\n\n    ${url}\n`);
  const back = await waitForBrowser(input, hostname, port);
  const answer = await client.send({
    method: "GET",
    path: `auth/${mount}/oidc/callback`,
    query: [...back, ["client_nonce", client_nonce]],
  });
  return toSecret(answer.json);
}

/** The parameters that the provider gave the browser. */
async function waitForBrowser(
  input: LoginInput,
  hostname: string,
  port: number,
): Promise<[string, string][]> {
  let server: Deno.HttpServer | undefined;
  const arrived = new Promise<[string, string][]>((resolve) => {
    server = Deno.serve({ hostname, port, onListen: () => {} }, (request) => {
      const { pathname, searchParams } = new URL(request.url);
      if (pathname !== "/oidc/callback") return new Response("not found", { status: 404 });
      const names = ["state", "code", "id_token"];
      resolve(names.map((name): [string, string] => [name, searchParams.get(name) ?? ""]));
      return new Response("You are logged in and may close this page.\n");
    });
  });
  const late = sleep(input.call.io.clock, waitMs).then(() => {
    throw new CommandError("Error: nobody logged in within two minutes", 2);
  });
  try {
    return await Promise.race([arrived, late]);
  } finally {
    await server?.shutdown();
  }
}
