/** `oidc/callback`: the end of a login by browser. */
import { badRequest, describeError, Failure } from "../../../base/failure.ts";
import { field } from "../../../backend/field.ts";
import { type Path, path } from "../../../backend/path.ts";
import type { Call } from "../../../core/backend.ts";
import type { LogicalResponse, RawResponse } from "../../../logical/response.ts";
import { type Config, readConfig, wantsIdToken } from "../config.ts";
import type { Role } from "../role.ts";
import { authOf, type Who } from "../who.ts";
import { confirmPage, continuePage, failurePage, successPage } from "./pages.ts";
import {
  claimsOf,
  oidcConfig,
  type OidcParts,
  platformOf,
  providerOf,
  roleOf,
  vouch,
  whoLoggedIn,
} from "./parts.ts";
import { type Provider, refusal, type Tokens } from "./provider.ts";
import type { LoginRecord } from "./records.ts";
import { isSameClient, openState, type PendingLogin } from "./states.ts";

const fields = {
  state: field.string("The state of the login, as the provider gave it back.", ""),
  code: field.string("The code that the provider gave.", ""),
  id_token: field.string("The ID token, where the provider gave that.", ""),
  client_nonce: field.string("The same as when the login began.", ""),
  error: field.string("Why the provider did not log the user in.", ""),
  error_description: field.string("The same for people.", ""),
  error_uri: field.string("A page about it.", ""),
  confirmation: field.string("Set by who confirms a login to this server.", ""),
};

type Given = { readonly [K in keyof typeof fields]: (typeof fields)[K]["default"] };

/** Stands for a code where the provider has posted its answer to this server before. */
const noCode = "no_code";
const longestCode = 8192;

/** Codes of OAuth 2.0 and OpenID Connect; others are not repeated. */
const knownErrors: ReadonlySet<string> = new Set([
  "access_denied",
  "account_selection_required",
  "consent_required",
  "interaction_required",
  "invalid_request",
  "invalid_scope",
  "login_required",
  "server_error",
  "temporarily_unavailable",
  "unauthorized_client",
  "unsupported_response_type",
]);

const endedState = "Expired or missing OAuth state.";

/** The login that a state is of, or a 400. */
async function loginOf(parts: OidcParts, call: Call, state: string): Promise<PendingLogin> {
  const login = await openState(call, platformOf(parts), state);
  if (login === undefined || login.deviceCode !== "") throw refusal(endedState);
  return login;
}

/** What is known of a login; a 400 where it has been ended. */
async function recordOf(
  parts: OidcParts,
  call: Call,
  login: PendingLogin,
): Promise<LoginRecord | undefined> {
  const record = await parts.records.read(call.storage, login);
  if (record !== undefined && record.kind !== "posted") throw refusal(endedState);
  return record;
}

async function end(parts: OidcParts, call: Call, given: Given): Promise<LogicalResponse> {
  const config = await oidcConfig(call);
  const login = await loginOf(parts, call, given.state);
  const role = await roleOf(call, login);
  if (role.callbackMode === "device") throw refusal(endedState);
  if (role.callbackMode === "direct") {
    return { raw: await pageFor(() => endDirect(parts, call, given, { config, login, role })) };
  }
  const record = await recordOf(parts, call, login);
  if (!isSameClient(platformOf(parts), login, given.client_nonce)) {
    throw badRequest("invalid client_nonce");
  }
  const who = await exchanged(parts, call, given, { config, login, role }, record);
  await parts.records.keep(call.storage, login, { kind: "used" }, platformOf(parts).clock.now());
  return { auth: authOf(call, login.role, role, who) };
}

/** The same where it is the browser that comes: it is shown pages, and whoever began gets the token. */
async function endDirect(
  parts: OidcParts,
  call: Call,
  given: Given,
  ending: Ending,
): Promise<RawResponse> {
  const { login, role } = ending;
  const record = await recordOf(parts, call, login);
  checkError(parts, call, given);
  if (!role.disableConfirmation && given.confirmation === "") {
    return confirmPage(login, { state: given.state, code: given.code });
  }
  const who = await exchanged(parts, call, given, ending, record);
  await parts.records.keep(
    call.storage,
    login,
    { kind: "ready", who },
    platformOf(parts).clock.now(),
  );
  return successPage();
}

/** Whom the provider sends here reads pages. */
async function pageFor(work: () => Promise<RawResponse>): Promise<RawResponse> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Failure) || error.status !== 400) throw error;
    return failurePage(error.errors.join(" "));
  }
}

interface Ending {
  readonly config: Config;
  readonly login: PendingLogin;
  readonly role: Role;
}

/** Asks the provider, once, and verifies what it says. */
async function exchanged(
  parts: OidcParts,
  call: Call,
  given: Given,
  { config, login, role }: Ending,
  record: LoginRecord | undefined,
): Promise<Who> {
  checkError(parts, call, given);
  const provider = await providerOf(parts, call, config);
  const vouched = await parts.vouched.of(call.request, async () => {
    const tokens = await tokensOf(provider, login, record, given);
    return await vouch(parts, call, provider, role, tokens, login.nonce);
  });
  if (typeof vouched === "string") throw refusal(endedState);
  return whoLoggedIn(config, login.role, role, vouched);
}

async function tokensOf(
  provider: Provider,
  login: PendingLogin,
  record: LoginRecord | undefined,
  { code, id_token }: Given,
): Promise<Tokens> {
  if (wantsIdToken(provider.config)) {
    const idToken = id_token || (record?.kind === "posted" ? record.idToken : "");
    if (idToken === "") throw refusal("No code or id_token received.");
    return { idToken, accessToken: "", refreshToken: "" };
  }
  if (code === "" || code === noCode) throw refusal("No code or id_token received.");
  if (code.length > longestCode) throw refusal("The code is too long.");
  return await provider.tokensFor(code, login.redirectUri, login.verifier);
}

/** Throws where the provider did not log the user in. What it says besides is for the log. */
function checkError(parts: OidcParts, call: Call, given: Given): void {
  const code = given.error.trim().toLowerCase();
  if (code === "") return;
  platformOf(parts).log.warn("an OIDC provider refused a login", {
    mount: call.mount.path,
    error: JSON.stringify(given.error.slice(0, 200)),
    description: JSON.stringify(given.error_description.slice(0, 500)),
  });
  throw refusal(
    knownErrors.has(code)
      ? `The provider said ${code}.`
      : "The provider refused it; the server's log has what it said.",
  );
}

/** The provider posts its answer here (OAuth 2.0 Form Post Response Mode). */
async function takePost(parts: OidcParts, call: Call, given: Given): Promise<LogicalResponse> {
  const config = await readConfig(call);
  if (config === undefined) throw refusal("Could not load configuration.");
  if (config.responseMode !== "form_post") throw new Failure(405, []);
  return { raw: await pageFor(() => posted(parts, call, given, config)) };
}

async function posted(
  parts: OidcParts,
  call: Call,
  given: Given,
  config: Config,
): Promise<RawResponse> {
  const login = await loginOf(parts, call, given.state);
  await recordOf(parts, call, login);
  const role = await roleOf(call, login);
  checkError(parts, call, given);
  let { code } = given;
  if (wantsIdToken(config)) {
    // Only what is good is kept: anybody may post.
    const tokens = { idToken: given.id_token, accessToken: "", refreshToken: "" };
    await claimsOf(parts, await providerOf(parts, call, config), role, tokens, login.nonce);
    const record = { kind: "posted", idToken: given.id_token } as const;
    await parts.records.keep(call.storage, login, record, platformOf(parts).clock.now());
    code = noCode;
  }
  if (code === "" || code.length > longestCode) throw refusal("No code or id_token received.");
  const mount = call.mount.path.replace(/\/$/, "");
  const front = role.callbackMode === "direct" ? "/v1" : "/ui/vault";
  return continuePage(`${front}/${mount}/oidc/callback`, { state: given.state, code });
}

/** A refusal is in the log, as whoever reads the answer may not be who can help. */
async function logged(
  parts: OidcParts,
  call: Call,
  work: () => Promise<LogicalResponse>,
): Promise<LogicalResponse> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Failure) {
      platformOf(parts).log.info("a login by browser was refused", {
        mount: call.mount.path,
        error: describeError(error),
      });
    }
    throw error;
  }
}

export function callbackPath(parts: OidcParts): Path {
  return path("oidc/callback", {
    summary: "Ends a login by browser.",
    fields,
    query: ["state", "code", "client_nonce", "error", "error_description", "confirmation"],
    unauthenticated: true,
    operations: {
      read: {
        summary: "Ends a login with what the provider gave to the browser.",
        handler: (call, given) => logged(parts, call, () => end(parts, call, given)),
      },
      update: {
        summary: "Takes what the provider posts.",
        handler: (call, given) => logged(parts, call, () => takePost(parts, call, given)),
      },
    },
  });
}
