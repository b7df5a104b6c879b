/** `sys/policies/password/*`. */
import { utf8 } from "../base/bytes.ts";
import { badRequest } from "../base/failure.ts";
import { field } from "../backend/field.ts";
import { type Path, path } from "../backend/path.ts";
import type { Services } from "../core/services.ts";
import { generatePassword, parsePasswordPolicy } from "../policy/password.ts";
import { passwordPolicyPrefix as prefix, readPasswordPolicy } from "../policy/password_store.ts";
import { plainText } from "./plain_text.ts";

export function passwordPolicyPaths(services: () => Services): Path[] {
  return [
    path("policies/password/?", {
      summary: "The password policies.",
      operations: {
        list: {
          summary: "Lists the password policies.",
          handler: async (call) => ({ data: { keys: await call.transaction.list(prefix) } }),
        },
      },
    }),
    path("policies/password/:name/generate", {
      summary: "A password by a policy.",
      operations: {
        read: {
          summary: "Makes a password.",
          handler: async (call, { name }) => {
            const policy = parsePasswordPolicy(await readPasswordPolicy(call.transaction, name));
            return { data: { password: generatePassword(policy, services().tokens.random) } };
          },
        },
      },
    }),
    path("policies/password/:name", {
      summary: "A password policy.",
      fields: { policy: field.string("Its text, plain or in base64.", "") },
      operations: {
        read: {
          summary: "Reads a password policy.",
          handler: async (call, { name }) => ({
            data: { policy: await readPasswordPolicy(call.transaction, name) },
          }),
        },
        update: {
          summary: "Writes a password policy.",
          handler: (call, { name, policy }) => {
            if (policy === "") throw badRequest("missing policy");
            const text = plainText(policy, /[\s"=]/);
            parsePasswordPolicy(text);
            call.transaction.put(prefix + name, utf8(text));
          },
        },
        delete: {
          summary: "Deletes a password policy.",
          handler: (call, { name }) => call.transaction.delete(prefix + name),
        },
      },
    }),
  ];
}
