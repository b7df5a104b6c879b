/**
 * Amazon's usual sources of keys, in the order of its own kits: the environment, a web identity, the
 * shared files' profile, a container's service, the machine's metadata service (version 2 alone: the
 * first can be reached through a proxy that is told to).
 */
import { Absent, type Source } from "./chain.ts";
import { containerKeys, machineKeys } from "./aws_services.ts";
import { profileKeys } from "./aws_profile.ts";
import { webIdentityKeys } from "./aws_web_identity.ts";
import type { Ending } from "./renewed.ts";
import type { Surroundings } from "./surroundings.ts";

export interface AwsKeys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** "" for keys that don't end. */
  readonly sessionToken: string;
}

/** `region` is where the login service is asked, where the environment names none. */
export function awsSources(
  surroundings: Surroundings,
  region: string,
): readonly Source<Ending<AwsKeys>>[] {
  return [
    {
      name: "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
      find: () => Promise.resolve(environmentKeys(surroundings)),
    },
    {
      name: "AWS_WEB_IDENTITY_TOKEN_FILE",
      find: async (signal) => {
        const { environment } = surroundings;
        const tokenFile = environment("AWS_WEB_IDENTITY_TOKEN_FILE") ?? "";
        const roleArn = environment("AWS_ROLE_ARN") ?? "";
        if (tokenFile === "") return new Absent("not set");
        if (roleArn === "") throw new Error("AWS_ROLE_ARN is not set");
        const sessionName = environment("AWS_ROLE_SESSION_NAME") ?? "";
        const role = { tokenFile, roleArn, sessionName };
        return await webIdentityKeys(surroundings, role, region, signal);
      },
    },
    {
      name: "profile of the shared files",
      find: (signal) => profileKeys(surroundings, region, signal),
    },
    {
      name: "container's credentials service",
      find: (signal) => containerKeys(surroundings, signal),
    },
    {
      name: "EC2 instance metadata service",
      find: (signal) => machineKeys(surroundings, signal),
    },
  ];
}

function environmentKeys({ environment }: Surroundings): Ending<AwsKeys> | Absent {
  const accessKeyId = environment("AWS_ACCESS_KEY_ID") ?? "";
  const secretAccessKey = environment("AWS_SECRET_ACCESS_KEY") ?? "";
  if (accessKeyId === "" || secretAccessKey === "") return new Absent("not both set");
  const sessionToken = environment("AWS_SESSION_TOKEN") ?? "";
  return { value: { accessKeyId, secretAccessKey, sessionToken }, until: Infinity };
}
