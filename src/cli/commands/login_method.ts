/** A way of logging in, as the command line has it. */
import type { Call } from "../call.ts";
import type { Client } from "../client/client.ts";
import type { Secret } from "../client/secret.ts";

/** What the user gave, and the means to ask for what is missing. */
export interface LoginInput {
  readonly call: Call;
  readonly client: Client;
  /** Where the method is mounted, without slashes at its ends. */
  readonly mount: string;
  readonly given: ReadonlyMap<string, string>;
}

export interface LoginMethod {
  readonly name: string;
  readonly about: string;
  readonly fields: readonly { name: string; help: string; kind?: "bool" }[];
  readonly example: string;
  login(input: LoginInput): Promise<Secret | undefined>;
}
