/** How to log in by each auth method: what it asks for, and the request that does it. */
import { emptySecret, toSecret } from "../client/secret.ts";
import { CommandError } from "../errors.ts";
import { asNumber, asObject, asText, type Json } from "../json.ts";
import { wrap } from "../output/table.ts";
import { product } from "../help.ts";
import type { LoginInput, LoginMethod } from "./login_method.ts";
import { oidcFields } from "./oidc_options.ts";

/** A value that was given or is now typed unseen. Throws CommandError where nobody can be asked. */
export async function secretInput(input: LoginInput, name: string, label: string): Promise<string> {
  const given = input.given.get(name);
  if (given !== undefined) return given;
  const { io, flags } = input.call;
  if (flags.bool("non-interactive") || !io.stdinIsTerminal) {
    throw new CommandError(`Error: '${name}' was not given and nobody can be asked for it`, 2);
  }
  return (await io.readSecretLine(`${label} (will be hidden): `)).trim();
}

function needed(input: LoginInput, name: string): string {
  const value = input.given.get(name);
  if (value) return value;
  throw new CommandError(`Error: '${name}' must be given`, 2);
}

const token: LoginMethod = {
  name: "token",
  about: "A token is taken as it is: one that was made with `token create` or handed out by " +
    "another login. It may be given as a word, as -, which reads standard input, or typed unseen.",
  fields: [
    { name: "token", help: "The token to use from now on. Asked for when it is not given." },
    { name: "lookup", kind: "bool", help: "Ask the node about the token. True by default." },
  ],
  example: "login 96ddf4bc-d217-f3ba-f9bd-017055595017",
  async login(input) {
    const value = (await secretInput(input, "token", "Token")).trim();
    if (value === "") throw new CommandError("Error: the token is empty", 2);
    input.client.setToken(value);
    if (input.given.get("lookup") === "false") {
      return { ...emptySecret, auth: { client_token: value } };
    }
    const answer = await input.client.send({ method: "GET", path: "auth/token/lookup-self" });
    const data = asObject(toSecret(answer.json)?.data);
    return { ...emptySecret, auth: authOfLookup(value, data) };
  },
};

/** What a login would have said about a token that was looked up. */
function authOfLookup(value: string, data: Record<string, Json>): Record<string, Json> {
  const own = Array.isArray(data.policies) ? data.policies : [];
  const identity = Array.isArray(data.identity_policies) ? data.identity_policies : [];
  return {
    client_token: value,
    accessor: asText(data.accessor),
    policies: [...own, ...identity],
    token_policies: own,
    identity_policies: identity.length === 0 ? null : identity,
    metadata: data.meta ?? null,
    orphan: false,
    entity_id: asText(data.entity_id),
    lease_duration: asNumber(data.ttl),
    renewable: data.renewable === true,
    mfa_requirement: null,
  };
}

/** Methods that send a name in the path and a password in the body. */
function byPassword(name: string, whose: string): LoginMethod {
  return {
    name,
    about: `Logs in by a name and a password of ${whose}.`,
    fields: [
      { name: "password", help: "The password. Asked for, unseen, when it is not given." },
      { name: "username", help: "The name to log in with." },
    ],
    example: `login -method=${name} username=anna`,
    async login(input) {
      const username = needed(input, "username");
      const password = await secretInput(input, "password", "Password");
      const extra = Object.fromEntries(
        [...input.given].filter(([key]) => key !== "username" && key !== "password"),
      );
      return await input.client.write(
        `auth/${input.mount}/login/${username}`,
        { ...extra, password },
      );
    },
  };
}

/** Methods that send all they were given to one path. */
function byFields(
  name: string,
  about: string,
  fields: LoginMethod["fields"],
  example: string,
): LoginMethod {
  return {
    name,
    about,
    fields,
    example,
    login: (input) =>
      input.client.write(`auth/${input.mount}/login`, Object.fromEntries(input.given)),
  };
}

const oidc: LoginMethod = {
  name: "oidc",
  about: "Logs in through the web page of an identity provider. The command opens the page in a " +
    "browser, or prints its address, and waits for the provider to come back.",
  fields: oidcFields,
  example: "login -method=oidc role=engineer",
  async login(input) {
    const { oidcLogin } = await import("./login_oidc.ts");
    return await oidcLogin(input);
  },
};

const methods: readonly LoginMethod[] = [
  token,
  byPassword("userpass", "the node's own users"),
  byPassword("ldap", "an LDAP directory"),
  byPassword("okta", "Okta"),
  byPassword("radius", "a RADIUS server"),
  byFields("approle", "Logs in a machine by the ID of its role and a secret ID.", [
    { name: "role_id", help: "ID of the role." },
    { name: "secret_id", help: "Secret ID, where the role asks for one." },
  ], "login -method=approle role_id=@role-id secret_id=@secret-id"),
  byFields("jwt", "Logs in by a signed token (JWT) of somebody the node trusts.", [
    { name: "jwt", help: "The signed token." },
    { name: "role", help: "Role to log in for." },
  ], "login -method=jwt role=ci jwt=@job.jwt"),
  byFields("kubernetes", "Logs in by the token of a Kubernetes service account.", [
    { name: "jwt", help: "Token of the service account." },
    { name: "role", help: "Role to log in for." },
  ], "login -method=kubernetes role=app jwt=@/var/run/secrets/kubernetes.io/serviceaccount/token"),
  byFields("cert", "Logs in by the client certificate given with -client-cert and -client-key.", [
    { name: "name", help: "Role to log in for; all are tried when it is not given." },
  ], "login -method=cert -client-cert=me.pem -client-key=me.key"),
  oidc,
];

/** The method of that name, if its way of logging in is known. */
export function loginMethod(name: string): LoginMethod | undefined {
  return methods.find((method) => method.name === name);
}

const afterwards = "The token it gets is kept for the commands that follow.";

/** The page of `auth help`. */
export function methodHelp(method: LoginMethod): string {
  const fields = method.fields.flatMap(({ name, help, kind }) => [
    "",
    `  ${name}=<${kind ?? "string"}>`,
    wrap(help, "      "),
  ]);
  const usage = method.name === "token"
    ? `${product} login TOKEN [CONFIG K=V...]`
    : `${product} login -method=${method.name} [CONFIG K=V...]`;
  return [
    `Usage: ${usage}`,
    "",
    wrap(method.about, "  "),
    "",
    "  For example, this is how one logs in:",
    "",
    `      $ ${product} ${method.example}`,
    "",
    wrap(afterwards, "  "),
    "",
    "Configuration:",
    ...fields,
  ].join("\n");
}
