/** `login`: gets a token by an auth method and keeps it for the commands that follow. */
import { bool, text } from "../args/flag.ts";
import { readTextPairs } from "../args/pairs.ts";
import type { Call } from "../call.ts";
import type { Client } from "../client/client.ts";
import { apiPath } from "../client/request.ts";
import { emptySecret, type Secret, tokenOf } from "../client/secret.ts";
import { tokenHelper } from "../client/token_helper.ts";
import { anyWords, type Command } from "../command.ts";
import { CommandError, UsageError } from "../errors.ts";
import { asList, asObject, asText, type JsonObject } from "../json.ts";
import type { LoginInput, LoginMethod } from "./login_method.ts";
import { loginMethod } from "./login_methods.ts";

export const command: Command = {
  usage: "[options] [AUTH K=V...]",
  about: "Logs in and keeps the token for the commands that follow. Without -method the word " +
    "behind is the token itself; it is asked for when there is none, and - reads it from " +
    "standard input. `auth help METHOD` says what a method asks for.",
  examples: [
    ["Log in by a token", "login"],
    ["Log in by name and password", "login -method=userpass username=anna"],
  ],
  flags: [
    text("method", "Auth method to log in by.", { fallback: "token" }),
    bool("no-print", "Print nothing about the token."),
    bool("no-store", "Do not keep the token."),
    text("path", "Where the method is mounted, if not at its name."),
    bool("token-only", "Print the token alone and do not keep it."),
  ],
  words: [0, anyWords],
  output: "field",
  async run(call) {
    const name = call.flags.text("method").trim() || "token";
    const input: LoginInput = {
      call,
      client: await call.client(),
      mount: apiPath(call.flags.text("path")) || name,
      given: await givenFields(call, name),
    };
    const method = loginMethod(name) ?? anyMethod(name, input.given);
    // A login starts without a token: an old one may be what is wrong.
    input.client.setToken("");
    const secret = await call.during("authenticating", method.login(input));
    if (secret === undefined) throw new CommandError("Error: the node answered no token", 2);
    return await finish(call, input.client, secret);
  },
};

/** Fields as key=value; for tokens a single word is the token. */
async function givenFields(call: Call, method: string): Promise<ReadonlyMap<string, string>> {
  const words = [...call.args];
  if (method === "token") {
    const first = words[0];
    if (first === "-") words[0] = "token=-";
    else if (first !== undefined && !first.includes("=")) {
      return new Map([["token", first], ...await readTextPairs(words.slice(1), call.io)]);
    }
  }
  const given = await readTextPairs(words, call.io);
  // A value piped in ends with a line break that is not part of it.
  return new Map([...given].map(([key, value]) => [key, value.replace(/\r?\n$/, "")]));
}

/** A method this client knows nothing of: its fields are sent as they are. */
function anyMethod(name: string, given: ReadonlyMap<string, string>): LoginMethod {
  if (given.size === 0) {
    throw new UsageError(
      `nothing is known about the auth method "${name}"; give its fields as key=value, ` +
        "or log in with `write`",
    );
  }
  return {
    name,
    about: "",
    fields: [],
    example: "",
    login: ({ client, mount }) => client.write(`auth/${mount}/login`, Object.fromEntries(given)),
  };
}

async function finish(call: Call, client: Client, answer: Secret): Promise<number> {
  if (answer.wrapInfo !== undefined) return await call.secret(answer);
  const secret = await withSecondFactor(call, client, answer);
  const token = tokenOf(secret);
  if (token === "") return await call.secret(secret);
  const tokenOnly = call.flags.bool("token-only");
  const store = !tokenOnly && !call.flags.bool("no-store");
  if (store) await (await tokenHelper(call.io)).store(token);
  if (tokenOnly) return call.exact(token);
  if (store && call.io.env("VAULT_TOKEN")) {
    call.note(
      "WARNING! VAULT_TOKEN is set and goes before the token that was just stored: unset it or " +
        "give it the new value.",
    );
  }
  if (!store) {
    call.note("The token was not stored. Set VAULT_TOKEN to it, or give it with each request.");
  }
  if (call.flags.bool("no-print")) return 0;
  if (call.forPeople && call.field === "") {
    call.line("Success! You are now logged in.");
    if (store) call.line("The token below is stored, and the commands that follow will use it.");
    call.line();
  }
  return await call.secret(secret);
}

/** Asks for a one-time code where the login needs one, and there is exactly one way to give it. */
async function withSecondFactor(call: Call, client: Client, secret: Secret): Promise<Secret> {
  const requirement = asObject(asObject(secret.auth).mfa_requirement);
  const id = asText(requirement.mfa_request_id);
  if (id === "") return secret;
  const ways = Object.values(asObject(requirement.mfa_constraints))
    .flatMap((constraint) => asList(asObject(constraint).any).map(asObject));
  const way = ways[0];
  const askable = call.io.stdinIsTerminal && !call.flags.bool("non-interactive");
  if (way === undefined || ways.length !== 1 || !askable) {
    call.note(
      "A second factor is needed. Send it to sys/mfa/validate together with the request's ID.",
    );
    return { ...emptySecret, auth: secret.auth };
  }
  const codes = way.uses_passcode === true ? [await askCode(call, way)] : [];
  const payload = { [asText(way.id)]: codes };
  const validated = await call.during(
    "validating the second factor",
    client.write("sys/mfa/validate", { mfa_request_id: id, mfa_payload: payload }, "POST"),
  );
  return validated ?? secret;
}

function askCode(call: Call, way: JsonObject): Promise<string> {
  return call.io.readSecretLine(`Code of ${asText(way.type)} (will be hidden): `);
}
