/** Tokens for Azure's storage, of an identity that the machine has or the environment names. */
import type { AzureCloud } from "../settings.ts";
import { ask, askNearby, bearerOf, urlFrom } from "./ask.ts";
import { Absent, type Source } from "./chain.ts";
import type { Ending } from "./renewed.ts";
import type { Surroundings } from "./surroundings.ts";

const resource = "https://storage.azure.com/";
const login = "Azure's login";
const machine = "Azure's instance metadata service";
const application = "Azure's identity endpoint";

/** Who signs in, by cloud. */
const authorities: Readonly<Record<AzureCloud, string>> = {
  AZUREPUBLICCLOUD: "https://login.microsoftonline.com",
  AZURECHINACLOUD: "https://login.chinacloudapi.cn",
  AZUREGERMANCLOUD: "https://login.microsoftonline.de",
  AZUREUSGOVERNMENTCLOUD: "https://login.microsoftonline.us",
};

/** `azure_auth_mode=managed`. `clientId` is which of the machine's identities; "" for its own. */
export function managedSources(
  surroundings: Surroundings,
  clientId: string,
): readonly Source<Ending<string>>[] {
  return [
    {
      name: "IDENTITY_ENDPOINT and IDENTITY_HEADER",
      find: (signal) => applicationToken(surroundings, clientId, signal),
    },
    { name: machine, find: (signal) => machineToken(surroundings, clientId, signal) },
  ];
}

/** App Service, Functions, Container Apps. */
async function applicationToken(
  { environment, clock }: Surroundings,
  clientId: string,
  signal: AbortSignal,
): Promise<Ending<string> | Absent> {
  const endpoint = environment("IDENTITY_ENDPOINT") ?? "";
  const header = environment("IDENTITY_HEADER") ?? "";
  if (endpoint !== "" && header === "" && environment("IMDS_ENDPOINT")) {
    throw new Error("Azure Arc's identities are not taken here");
  }
  if (endpoint === "" || header === "") return new Absent("not both set");
  const url = urlFrom("IDENTITY_ENDPOINT", endpoint);
  const own: Record<string, string> = clientId === "" ? {} : { client_id: clientId };
  const asked = { "api-version": "2019-08-01", resource, ...own };
  for (const [name, value] of Object.entries(asked)) url.searchParams.set(name, value);
  const text = await ask(application, url, { headers: { "x-identity-header": header }, signal });
  return endingOf(application, text, clock.now());
}

async function machineToken(
  { environment, clock }: Surroundings,
  clientId: string,
  signal: AbortSignal,
): Promise<Ending<string> | Absent> {
  const variable = "AZURE_POD_IDENTITY_AUTHORITY_HOST";
  const base = urlFrom(variable, environment(variable) || "http://169.254.169.254");
  const url = new URL("/metadata/identity/oauth2/token", base);
  const own: Record<string, string> = clientId === "" ? {} : { client_id: clientId };
  url.search = new URLSearchParams({ "api-version": "2018-02-01", resource, ...own }).toString();
  const text = await askNearby(machine, url, { headers: { metadata: "true" }, signal });
  return text instanceof Absent ? text : endingOf(machine, text, clock.now());
}

/** The one tells how long it lasts, the other when it ends. */
function endingOf(service: string, text: string, now: number): Ending<string> {
  const { value, until } = bearerOf(service, text, now);
  if (until > now) return { value, until };
  const [, seconds] = /"expires_on"\s*:\s*"?(\d+)"?/.exec(text) ?? [];
  return { value, until: Number(seconds ?? 0) * 1000 };
}

/** `azure_auth_mode=environment`: an application's secret, or a token that another issuer gave it. */
export function environmentSources(
  surroundings: Surroundings,
  clientId: string,
  cloud: AzureCloud,
): readonly Source<Ending<string>>[] {
  const { environment, readText } = surroundings;
  const find = async (
    proof: () => Promise<Readonly<Record<string, string>> | Absent>,
    signal: AbortSignal,
  ): Promise<Ending<string> | Absent> => {
    const proven = await proof();
    if (proven instanceof Absent) return proven;
    const [tenant, client] = [
      environment("AZURE_TENANT_ID") ?? "",
      clientId || environment("AZURE_CLIENT_ID") || "",
    ];
    if (tenant === "" || client === "") {
      throw new Error("AZURE_TENANT_ID and AZURE_CLIENT_ID are not both set");
    }
    const variable = "AZURE_AUTHORITY_HOST";
    const authority = urlFrom(variable, environment(variable) || authorities[cloud]);
    const url = new URL(`/${encodeURIComponent(tenant)}/oauth2/v2.0/token`, authority);
    const form = { client_id: client, grant_type: "client_credentials", ...proven };
    const body = new URLSearchParams({ ...form, scope: `${resource}.default` });
    const text = await ask(login, url, { method: "POST", body, signal });
    return bearerOf(login, text, surroundings.clock.now());
  };
  const secret = () => {
    const client_secret = environment("AZURE_CLIENT_SECRET") ?? "";
    return Promise.resolve(client_secret === "" ? new Absent("not set") : { client_secret });
  };
  const federated = async () => {
    const file = environment("AZURE_FEDERATED_TOKEN_FILE") ?? "";
    if (file === "") return new Absent("not set");
    return {
      client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
      client_assertion: (await readText(file)).trim(),
    };
  };
  const certificate = () => {
    if (!environment("AZURE_CLIENT_CERTIFICATE_PATH")) {
      return Promise.resolve(new Absent("not set"));
    }
    throw new Error("client certificates are not taken here");
  };
  return [
    { name: "AZURE_CLIENT_SECRET", find: (signal) => find(secret, signal) },
    { name: "AZURE_FEDERATED_TOKEN_FILE", find: (signal) => find(federated, signal) },
    { name: "AZURE_CLIENT_CERTIFICATE_PATH", find: certificate },
  ];
}
