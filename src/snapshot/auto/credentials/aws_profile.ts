/** Keys of a profile in the files that Amazon's programs share. */
import type { AwsKeys } from "./aws.ts";
import { webIdentityKeys } from "./aws_web_identity.ts";
import { Absent } from "./chain.ts";
import type { Ending } from "./renewed.ts";
import { homeFile, readIfThere, type Surroundings } from "./surroundings.ts";

/** What a profile may say that leads to programs or services which are not asked here. */
const elsewhere = ["credential_process", "sso_session", "sso_start_url"] as const;

/** The settings of one section; undefined where the text has no such section. */
export function sectionOf(text: string, section: string): Map<string, string> | undefined {
  let found: Map<string, string> | undefined;
  let isInside = false;
  for (const line of text.split(/\r?\n/)) {
    const [, head] = /^\s*\[\s*(.+?)\s*\]/.exec(line) ?? [];
    if (head !== undefined) {
      isInside = head.replace(/\s+/g, " ") === section;
      if (isInside) found ??= new Map();
      continue;
    }
    // Indented lines belong to a setting that has parts; none of them is looked for here.
    const [, name, value] = /^([\w-]+)\s*=\s*(.*?)\s*$/.exec(line) ?? [];
    if (isInside && name !== undefined && value !== undefined) found?.set(name, value);
  }
  return found;
}

export async function profileKeys(
  surroundings: Surroundings,
  region: string,
  signal: AbortSignal,
): Promise<Ending<AwsKeys> | Absent> {
  const { environment } = surroundings;
  const named = environment("AWS_PROFILE") || environment("AWS_DEFAULT_PROFILE") || "";
  const name = named || "default";
  const keysFile = environment("AWS_SHARED_CREDENTIALS_FILE") ||
    homeFile(surroundings, ".aws/credentials");
  const configFile = environment("AWS_CONFIG_FILE") || homeFile(surroundings, ".aws/config");
  const [keysText, configText] = [
    await readIfThere(surroundings, keysFile),
    await readIfThere(surroundings, configFile),
  ];
  const inConfig = sectionOf(configText ?? "", name === "default" ? name : `profile ${name}`);
  const inKeys = sectionOf(keysText ?? "", name);
  if (inConfig === undefined && inKeys === undefined) {
    const looked = [keysFile, configFile].filter((file) => file !== "").join(" or ") ||
      "any file, since HOME is not set";
    if (named !== "") throw new Error(`there is no profile "${named}" in ${looked}`);
    return new Absent(`no profile "${name}" in ${looked}`);
  }
  const profile = new Map([...inConfig ?? [], ...inKeys ?? []]);
  return await keysIn(surroundings, { name, profile }, region, signal);
}

async function keysIn(
  surroundings: Surroundings,
  { name, profile }: { readonly name: string; readonly profile: ReadonlyMap<string, string> },
  region: string,
  signal: AbortSignal,
): Promise<Ending<AwsKeys> | Absent> {
  const text = (setting: string) => profile.get(setting) ?? "";
  const [roleArn, tokenFile] = [text("role_arn"), text("web_identity_token_file")];
  if (roleArn !== "") {
    // With its own keys instead, the profile would be somebody else than it says.
    if (tokenFile === "") {
      throw new Error(`profile "${name}" takes a role by another way than web_identity_token_file`);
    }
    const role = { roleArn, tokenFile, sessionName: text("role_session_name") };
    return await webIdentityKeys(surroundings, role, text("region") || region, signal);
  }
  const accessKeyId = text("aws_access_key_id");
  const secretAccessKey = text("aws_secret_access_key");
  if (accessKeyId !== "" && secretAccessKey !== "") {
    const sessionToken = text("aws_session_token");
    return { value: { accessKeyId, secretAccessKey, sessionToken }, until: Infinity };
  }
  const other = elsewhere.find((setting) => text(setting) !== "");
  if (other !== undefined) throw new Error(`profile "${name}" wants ${other}, which is not here`);
  return new Absent(`profile "${name}" has no keys`);
}
