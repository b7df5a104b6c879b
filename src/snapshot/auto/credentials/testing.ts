/** Surroundings for tests: what is not given is not there, and no machine's service is asked. */
import { type Clock, systemClock } from "../../../base/clock.ts";
import type { Surroundings } from "./surroundings.ts";

export function surroundingsOf(
  environment: Readonly<Record<string, string>> = {},
  files: Readonly<Record<string, string>> = {},
  clock: Clock = systemClock,
): Surroundings {
  const all: Readonly<Record<string, string>> = {
    AWS_EC2_METADATA_DISABLED: "true",
    GCE_METADATA_HOST: "127.0.0.1:9",
    AZURE_POD_IDENTITY_AUTHORITY_HOST: "http://127.0.0.1:9",
    ...environment,
  };
  return {
    environment: (name) => all[name],
    readText(path) {
      const { [path]: text } = files;
      return text === undefined
        ? Promise.reject(new Deno.errors.NotFound(`no file ${path}`))
        : Promise.resolve(text);
    },
    clock,
  };
}
