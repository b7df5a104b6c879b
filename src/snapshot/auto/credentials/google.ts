/**
 * Google's "application default credentials": the file that the environment names, the one that
 * `gcloud` leaves behind, the metadata server of the machine.
 */
import { type JsonObject } from "../../../logical/json.ts";
import { ask, askNearby, bearerOf, jsonOf, textOf, urlFrom } from "./ask.ts";
import { Absent, type Source } from "./chain.ts";
import { readGoogleKey, serviceAccountToken } from "./google_key.ts";
import type { Ending } from "./renewed.ts";
import { homeFile, readIfThere, type Surroundings } from "./surroundings.ts";

const login = "Google's login";
const machine = "Google's metadata server";
const usersTokenUri = "https://oauth2.googleapis.com/token";

export function googleSources(surroundings: Surroundings): readonly Source<Ending<string>>[] {
  const { environment, readText } = surroundings;
  return [
    {
      name: "GOOGLE_APPLICATION_CREDENTIALS",
      find: async (signal) => {
        const path = environment("GOOGLE_APPLICATION_CREDENTIALS") ?? "";
        if (path === "") return new Absent("not set");
        return await fileToken(surroundings, await readText(path), signal);
      },
    },
    {
      name: "gcloud's application default credentials",
      find: async (signal) => {
        const file = "application_default_credentials.json";
        const own = environment("CLOUDSDK_CONFIG") ?? "";
        const path = own === ""
          ? homeFile(surroundings, `.config/gcloud/${file}`)
          : `${own}/${file}`;
        const text = await readIfThere(surroundings, path);
        if (text === undefined) return new Absent(`no file ${path}`.trimEnd());
        return await fileToken(surroundings, text, signal);
      },
    },
    { name: machine, find: (signal) => machineToken(surroundings, signal) },
  ];
}

/** Of a service account's key file, or of a user's refresh token. */
async function fileToken(
  { clock }: Surroundings,
  text: string,
  signal: AbortSignal,
): Promise<Ending<string>> {
  const file = jsonOf("the credentials file", text);
  const { type = "service_account" } = file;
  if (type === "service_account") {
    return await serviceAccountToken(readGoogleKey(text, "the file"), clock, signal);
  }
  if (type === "authorized_user") return await usersToken(file, clock.now(), signal);
  throw new Error(`credentials of type ${JSON.stringify(type)} are not taken here`);
}

async function usersToken(
  file: JsonObject,
  now: number,
  signal: AbortSignal,
): Promise<Ending<string>> {
  const part = (name: string) => textOf("the credentials file", file, name);
  const body = new URLSearchParams({
    grant_type: "refresh_token",
    client_id: part("client_id"),
    client_secret: part("client_secret"),
    refresh_token: part("refresh_token"),
  });
  const { token_uri = usersTokenUri } = file;
  const url = urlFrom("the file's token_uri", String(token_uri));
  return bearerOf(login, await ask(login, url, { method: "POST", body, signal }), now);
}

async function machineToken(
  { environment, clock }: Surroundings,
  signal: AbortSignal,
): Promise<Ending<string> | Absent> {
  const host = environment("GCE_METADATA_HOST") || "metadata.google.internal";
  const path = "/computeMetadata/v1/instance/service-accounts/default/token";
  const url = urlFrom("GCE_METADATA_HOST", `http://${host.replace(/^http:\/\/|\/$/g, "")}${path}`);
  const text = await askNearby(machine, url, { headers: { "metadata-flavor": "Google" }, signal });
  return text instanceof Absent ? text : bearerOf(machine, text, clock.now());
}
