/** Keys from a service on the machine: that of a container's host, and EC2's metadata, version 2. */
import type { JsonObject } from "../../../logical/json.ts";
import { TargetRefusal } from "../remote.ts";
import type { AwsKeys } from "./aws.ts";
import { ask, askNearby, jsonOf, textOf, urlFrom } from "./ask.ts";
import { endOf } from "./aws_web_identity.ts";
import { Absent } from "./chain.ts";
import type { Ending } from "./renewed.ts";
import type { Surroundings } from "./surroundings.ts";

const ecs = "the container's credentials service";
const ec2 = "the EC2 instance metadata service";

/** To which a token may be sent without TLS: Amazon names them, beside the machine itself. */
const plainHosts = ["169.254.170.2", "169.254.170.23", "[fd00:ec2::23]", "localhost", "[::1]"];

/** Seconds that a session with the metadata service may last; it is for these three calls. */
const sessionTtl = "60";

function keysOf(service: string, answer: JsonObject): Ending<AwsKeys> {
  return {
    value: {
      accessKeyId: textOf(service, answer, "AccessKeyId"),
      secretAccessKey: textOf(service, answer, "SecretAccessKey"),
      sessionToken: textOf(service, answer, "Token"),
    },
    until: endOf(service, textOf(service, answer, "Expiration")),
  };
}

/** ECS, and EKS's pod identity. */
export async function containerKeys(
  surroundings: Surroundings,
  signal: AbortSignal,
): Promise<Ending<AwsKeys> | Absent> {
  const { environment, readText } = surroundings;
  const relative = environment("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") ?? "";
  const full = environment("AWS_CONTAINER_CREDENTIALS_FULL_URI") ?? "";
  if (relative === "" && full === "") {
    return new Absent("no AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or …_FULL_URI");
  }
  const url = relative === ""
    ? urlFrom("AWS_CONTAINER_CREDENTIALS_FULL_URI", full)
    : urlFrom("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", `http://169.254.170.2${relative}`);
  const isNear = plainHosts.includes(url.hostname) || url.hostname.startsWith("127.");
  if (url.protocol !== "https:" && !isNear) {
    throw new Error("AWS_CONTAINER_CREDENTIALS_FULL_URI is neither https nor on this machine");
  }
  const tokenFile = environment("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE") ?? "";
  const token = tokenFile === ""
    ? environment("AWS_CONTAINER_AUTHORIZATION_TOKEN") ?? ""
    : (await readText(tokenFile)).trim();
  if (/[\r\n]/.test(token)) throw new Error("the container's authorization token has line ends");
  const headers: HeadersInit = token === "" ? {} : { authorization: token };
  return keysOf(ecs, jsonOf(ecs, await ask(ecs, url, { headers, signal })));
}

export async function machineKeys(
  { environment }: Surroundings,
  signal: AbortSignal,
): Promise<Ending<AwsKeys> | Absent> {
  if (environment("AWS_EC2_METADATA_DISABLED")?.toLowerCase() === "true") {
    return new Absent("AWS_EC2_METADATA_DISABLED");
  }
  const base = machineBase(environment);
  const at = (path: string) => new URL(`${base.href.replace(/\/$/, "")}/latest/${path}`);
  const session = await askNearby(ec2, at("api/token"), {
    method: "PUT",
    headers: { "x-aws-ec2-metadata-token-ttl-seconds": sessionTtl },
    signal,
  });
  if (session instanceof Absent) return session;
  const headers = { "x-aws-ec2-metadata-token": session };
  const folder = "meta-data/iam/security-credentials/";
  let roles;
  try {
    roles = await ask(ec2, at(folder), { headers, signal });
  } catch (error) {
    if (!(error instanceof TargetRefusal && error.status === 404)) throw error;
    return new Absent("the instance has no role");
  }
  const [role = ""] = roles.trim().split("\n");
  if (role === "") return new Absent("the instance has no role");
  const found = await ask(ec2, at(folder + encodeURIComponent(role)), { headers, signal });
  const answer = jsonOf(ec2, found);
  const { Code: code = "Success" } = answer;
  if (code !== "Success") throw new Error(`${ec2} has no keys for the role: ${code}`);
  return keysOf(ec2, answer);
}

function machineBase(environment: Surroundings["environment"]): URL {
  const variable = "AWS_EC2_METADATA_SERVICE_ENDPOINT";
  const set = environment(variable) ?? "";
  if (set !== "") return urlFrom(variable, set);
  const mode = environment("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE")?.toLowerCase();
  return new URL(mode === "ipv6" ? "http://[fd00:ec2::254]" : "http://169.254.169.254");
}
