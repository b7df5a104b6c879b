/**
 * An OpenID provider out of npm's oidc-provider, whose users are whoever they say. Takes one JSON
 * object: port, folder (where it is installed), redirects, secretInBody. Prints "ready".
 */
import { createRequire } from "node:module";
import { join } from "node:path";

const { port, folder, redirects, secretInBody } = JSON.parse(process.argv[2]);
const packages = createRequire(join(folder, "package.json"));
const { Provider } = packages("oidc-provider");

const auth = secretInBody ? "client_secret_post" : "client_secret_basic";
const device = "urn:ietf:params:oauth:grant-type:device_code";
const client = {
  client_secret: "the client's secret: % and +",
  token_endpoint_auth_method: auth,
  grant_types: ["authorization_code", "refresh_token", device],
  response_types: ["code"],
  redirect_uris: redirects,
};

const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [
    { ...client, client_id: "holdfast" },
    {
      ...client,
      client_id: "implicit",
      grant_types: ["implicit"],
      response_types: ["id_token"],
      redirect_uris: ["https://vault.test/v1/auth/posted/oidc/callback"],
    },
  ],
  responseTypes: ["code", "id_token"],
  clientAuthMethods: [auth],
  pkce: { required: (_, { responseTypeAllowed }) => responseTypeAllowed?.("code") ?? false },
  features: {
    devInteractions: { enabled: true },
    deviceFlow: { enabled: true },
    userinfo: { enabled: true },
  },
  claims: { openid: ["sub"], email: ["email"], groups: ["groups"] },
  cookies: { keys: ["a key of the test"] },
  // The account is the name that was typed.
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => ({ sub: id, email: `${id}@idp.test`, groups: ["devs"] }),
  }),
});
provider.listen(port, "127.0.0.1", () => console.log("ready"));
