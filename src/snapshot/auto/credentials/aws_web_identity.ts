/** Keys for a token that somebody else issued, such as a Kubernetes cluster. */
import { xmlTexts } from "../xml.ts";
import type { AwsKeys } from "./aws.ts";
import { ask, urlFrom } from "./ask.ts";
import type { Ending } from "./renewed.ts";
import type { Surroundings } from "./surroundings.ts";

export interface WebIdentity {
  readonly tokenFile: string;
  readonly roleArn: string;
  /** "" for a name of ours. */
  readonly sessionName: string;
}

/** Parts of the world that are kept apart have names of their own. */
export function awsSuffix(region: string): string {
  return region.startsWith("cn-") ? "amazonaws.com.cn" : "amazonaws.com";
}

/** The token file is read each time: whoever wrote it puts a new one there before the old one ends. */
export async function webIdentityKeys(
  surroundings: Surroundings,
  { tokenFile, roleArn, sessionName }: WebIdentity,
  region: string,
  signal: AbortSignal,
): Promise<Ending<AwsKeys>> {
  const { environment, readText } = surroundings;
  const body = new URLSearchParams({
    Action: "AssumeRoleWithWebIdentity",
    Version: "2011-06-15",
    RoleArn: roleArn,
    RoleSessionName: sessionName || "holdfast-snapshots",
    WebIdentityToken: (await readText(tokenFile)).trim(),
  });
  const where = environment("AWS_REGION") || environment("AWS_DEFAULT_REGION") || region;
  const [variable, set = ""] = ["AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL"]
    .map((name) => [name, environment(name)] as const).find(([, text]) => text) ?? [""];
  const url = set === ""
    ? new URL(`https://sts.${where}.${awsSuffix(where)}/`)
    : urlFrom(variable, set);
  const text = await ask("AWS STS", url, { method: "POST", body, signal });
  const part = (name: string): string => {
    const [found = ""] = xmlTexts(text, name);
    if (found === "") throw new Error(`AWS STS answered without ${name}`);
    return found;
  };
  return {
    value: {
      accessKeyId: part("AccessKeyId"),
      secretAccessKey: part("SecretAccessKey"),
      sessionToken: part("SessionToken"),
    },
    until: endOf("AWS STS", part("Expiration")),
  };
}

/** Milliseconds since the epoch. */
export function endOf(service: string, text: string): number {
  const until = Date.parse(text);
  if (Number.isFinite(until)) return until;
  throw new Error(`${service} answered with an Expiration that is no time`);
}
