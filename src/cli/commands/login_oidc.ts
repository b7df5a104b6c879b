/**
 * Logging in through a browser: the node names an address at the identity provider, the user logs
 * in there, and the provider sends the browser back to a port this command waits on (OpenID
 * Connect Core 1.0, authorization code flow; the node holds the client secret). Or the browser goes
 * to the node itself, or to nobody, and this command asks the node until it is done.
 */
import { toHex } from "../../base/bytes.ts";
import { describeError } from "../../base/failure.ts";
import { type Secret, toSecret } from "../client/secret.ts";
import { ApiError, CommandError, Interrupted } from "../errors.ts";
import { asObject, asText, type JsonObject } from "../json.ts";
import { listenForBrowser, type Returned } from "./browser_return.ts";
import type { LoginInput } from "./login_method.ts";
import { type OidcOptions, oidcOptions } from "./oidc_options.ts";

const waitMs = 120_000;
/** Between two polls, seconds, whatever the node says. */
const pollsAtMost = 60;

/** Throws CommandError when the user is not through in time, Interrupted on Ctrl-C. */
export async function oidcLogin(input: LoginInput): Promise<Secret | undefined> {
  const options = oidcOptions(input);
  const nonce = toHex(input.call.io.random.bytes(16));
  return options.mode === "client"
    ? await byOwnPort(input, options, nonce)
    : await byPolling(input, options, nonce);
}

/** What the node says of a login that begins. */
async function begin(
  { client }: LoginInput,
  { mount, role, redirectUri, mode }: OidcOptions,
  nonce: string,
): Promise<JsonObject> {
  const asked = await client.write(`auth/${mount}/oidc/auth_url`, {
    role,
    redirect_uri: redirectUri,
    client_nonce: nonce,
  });
  const data = asObject(asked?.data);
  if (asText(data.auth_url) === "") {
    throw new CommandError(
      `Error: the role does not allow this login, or not to come back to ${redirectUri}: ` +
        "allowed_redirect_uris of the role must hold that address",
      2,
    );
  }
  const isPolled = asText(data.state) !== "";
  if (isPolled !== (mode !== "client")) {
    throw new CommandError(
      isPolled
        ? "Error: the role's callback mode is not client: give callbackmode=direct, or device"
        : `Error: the role's callback mode is not ${mode}: leave callbackmode out`,
      2,
    );
  }
  return data;
}

async function byOwnPort(
  input: LoginInput,
  options: OidcOptions,
  nonce: string,
): Promise<Secret | undefined> {
  const expected: { state?: string } = {};
  await using browser = listenForBrowser(
    { hostname: options.listenAddress, port: options.port },
    (state) => state !== "" && state === expected.state,
    (returned) => finish(input, options, nonce, returned),
  );
  const data = await begin(input, options, nonce);
  const url = asText(data.auth_url);
  expected.state = new URL(url).searchParams.get("state") ?? "";
  await show(input, options, url);
  return await within(input, waitMs, browser.result);
}

/** The result, unless the user gives up or does nothing for too long. */
async function within<T>({ call }: LoginInput, milliseconds: number, result: Promise<T>) {
  const { promise, reject } = Promise.withResolvers<never>();
  const late = new CommandError("Error: nobody logged in within two minutes", 2);
  const cancel = call.io.clock.after(milliseconds, () => reject(late));
  call.io.interrupted().then(() => reject(new Interrupted()));
  try {
    return await Promise.race([result, promise]);
  } finally {
    cancel();
  }
}

/** Gives the node what the provider gave the browser. */
async function finish(
  { client }: LoginInput,
  { mount }: OidcOptions,
  client_nonce: string,
  { state, code, idToken, error, description, isPosted }: Returned,
): Promise<Secret | undefined> {
  if (error !== "") {
    const reason = printable(description === "" ? error : `${error}: ${description}`);
    throw new CommandError(`Error: the provider did not log you in: ${reason}`, 2);
  }
  const path = `auth/${mount}/oidc/callback`;
  if (isPosted) {
    const body = { state, code, id_token: idToken, client_nonce };
    await client.send({ method: "POST", path, body });
  }
  const query = { state, code, id_token: isPosted ? "" : idToken, client_nonce };
  return toSecret((await client.send({ method: "GET", path, query: Object.entries(query) })).json);
}

/** Text of somebody else's, fit for a terminal. */
function printable(text: string): string {
  return text.replace(/[^\x20-\x7e\u00a1-\uffff]/g, " ").slice(0, 300);
}

async function byPolling(
  input: LoginInput,
  options: OidcOptions,
  nonce: string,
): Promise<Secret | undefined> {
  const data = await begin(input, options, nonce);
  const userCode = asText(data.user_code);
  await show(input, options, asText(data.auth_url));
  if (userCode !== "") input.call.io.err(`Enter this code where you are asked: ${userCode}\n`);
  const { io } = input.call;
  let isStopped = false;
  const stopped = io.interrupted().then(() => {
    isStopped = true;
  });
  let seconds = Math.max(1, Number(asText(data.poll_interval)) || 5);
  const body = { state: asText(data.state), client_nonce: nonce };
  for (;;) {
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancel = io.clock.after(seconds * 1000, resolve);
    await Promise.race([stopped, promise]);
    cancel();
    if (isStopped) throw new Interrupted();
    const answer = await poll(input, options, body);
    if (answer === "slow_down") seconds = Math.min(seconds * 2, pollsAtMost);
    else if (answer !== "authorization_pending") return answer;
  }
}

/** The login, or why it is to be waited for. The node ends the waiting by refusing the state. */
async function poll({ client }: LoginInput, { mount }: OidcOptions, body: JsonObject) {
  try {
    return await client.write(`auth/${mount}/oidc/poll`, body);
  } catch (error) {
    const words = ["authorization_pending", "slow_down"] as const;
    const word = error instanceof ApiError
      ? words.find((one) => error.errors.some((text) => text.endsWith(one)))
      : undefined;
    if (word === undefined) throw error;
    return word;
  }
}

/** Opens the address in a browser where that is wanted and possible; prints it in any case. */
async function show({ call }: LoginInput, options: OidcOptions, url: string): Promise<void> {
  const { io } = call;
  const where = options.skipBrowser ? "Open this address in a browser" : "A browser opens";
  io.err(`${where} to log in at your provider:\n\n    ${url}\n\n`);
  if (!options.skipBrowser) {
    try {
      await io.openBrowser(url);
    } catch (error) {
      const reason = `No browser could be opened (${describeError(error)})`;
      if (options.abortOnError) {
        throw new CommandError(`Error: ${reason}`, 1, { cause: error });
      }
      call.note(`${reason}: open the address above yourself.`);
    }
  }
  io.err("Waiting until you are logged in there.\n");
}
