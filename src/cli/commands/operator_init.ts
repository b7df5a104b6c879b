/** `operator init`. */
import { fromBase64, toHex } from "../../base/bytes.ts";
import { bool, int, list, text } from "../args/flag.ts";
import type { Call } from "../call.ts";
import type { Client } from "../client/client.ts";
import type { Command } from "../command.ts";
import { asList, asObject, asText, type Json, type JsonObject } from "../json.ts";
import { product } from "../help.ts";
import { wrap } from "../output/table.ts";
import { readPgpKey, readPgpKeys } from "./pgp_keys.ts";

export const command: Command = {
  usage: "[options]",
  about: "Initialises a new node or cluster, once: makes the root key, splits it into unseal " +
    "keys and prints them with the first root token. They are shown this one time. With " +
    "-status nothing is done, and the exit code tells: 0 initialised, 2 not.",
  examples: [
    ["Five keys, any three of which unseal", "operator init"],
    ["Encrypt each key to a person", "operator init -pgp-keys=a.asc,b.asc,c.asc -key-shares=3"],
  ],
  flags: [
    int("key-shares", "Unseal keys to make.", { fallback: "5", aliases: ["n"] }),
    int("key-threshold", "Unseal keys it takes to unseal.", { fallback: "3", aliases: ["t"] }),
    list("pgp-keys", "Files with a public key for each unseal key, with commas.", {
      placeholder: "files",
    }),
    list("recovery-pgp-keys", "Files with a public key for each recovery key, with commas.", {
      placeholder: "files",
    }),
    int("recovery-shares", "Recovery keys to make, where the seal opens by itself.", {
      fallback: "5",
    }),
    int("recovery-threshold", "Recovery keys it takes.", { fallback: "3" }),
    text("root-token-pgp-key", "File with the public key to encrypt the root token to.", {
      placeholder: "file",
    }),
    bool("status", "Only say whether the node is initialised."),
    int("stored-shares", "Not used any more.", { hidden: true }),
  ],
  words: [0, 0],
  output: "format",
  async run(call) {
    const client = await call.client();
    if (call.flags.bool("status")) return await printStatus(call, client);
    const body = await initBody(call, client);
    const answer = await call.during(
      "initializing",
      client.send({ method: "PUT", path: "sys/init", body, token: "" }),
    );
    return await printKeys(call, body, asObject(answer.json));
  },
};

async function printStatus(call: Call, client: Client): Promise<number> {
  const answer = await call.during(
    "checking the init status",
    client.send({ method: "GET", path: "sys/init", token: "" }),
    1,
  );
  const initialized = asObject(answer.json).initialized === true;
  if (!call.forPeople) await call.value({ Initialized: initialized });
  else call.line(`Holdfast is ${initialized ? "" : "not "}initialized`);
  return initialized ? 0 : 2;
}

/** A seal that opens by itself has recovery keys in place of unseal keys. */
async function initBody(call: Call, client: Client): Promise<Record<string, Json>> {
  const { flags, io } = call;
  const status = await call.during(
    "checking the seal status",
    client.send({ method: "GET", path: "sys/seal-status", token: "", preflight: true }),
  );
  const rootKey = flags.text("root-token-pgp-key");
  const body: Record<string, Json> = rootKey === ""
    ? {}
    : { root_token_pgp_key: await readPgpKey(rootKey, io) };
  if (asObject(status.json).recovery_seal === true) {
    const keys = await readPgpKeys(flags.list("recovery-pgp-keys"), io);
    return {
      ...body,
      recovery_shares: flags.int("recovery-shares") ?? 0,
      recovery_threshold: flags.int("recovery-threshold") ?? 0,
      ...(keys.length === 0 ? {} : { recovery_pgp_keys: keys }),
    };
  }
  const keys = await readPgpKeys(flags.list("pgp-keys"), io);
  return {
    ...body,
    secret_shares: flags.int("key-shares") ?? 0,
    secret_threshold: flags.int("key-threshold") ?? 0,
    ...(keys.length === 0 ? {} : { pgp_keys: keys }),
  };
}

async function printKeys(call: Call, asked: JsonObject, made: JsonObject): Promise<number> {
  const unseal = keysOf(made, "keys_base64");
  const recovery = keysOf(made, "recovery_keys_base64");
  if (!call.forPeople) return await call.value(keysJson(asked, made, unseal, recovery));
  unseal.forEach((key, index) => call.line(`Unseal Key ${index + 1}: ${key}`));
  recovery.forEach((key, index) => call.line(`Recovery Key ${index + 1}: ${key}`));
  call.line();
  call.line(`Initial Root Token: ${asText(made.root_token)}`);
  call.line();
  if (unseal.length === 0) {
    call.line(wrap("Success! The node is initialized and opens its seal by itself."));
    return 0;
  }
  const threshold = String(asked.secret_threshold ?? "");
  call.line(wrap(
    `The root key was split into ${unseal.length} unseal keys, any ${threshold} of which unseal ` +
      "a node. Give them to different people: they are shown this once, and a node asks " +
      "for them each time after it was started anew.",
  ));
  call.line();
  call.line(wrap(
    `Nobody can open what is stored without ${threshold} of these keys. They can be replaced ` +
      `later, with ${threshold} of them at hand.`,
  ));
  call.line();
  call.line(`The help of "${product} operator rekey" and of "${product} operator unseal" has more`);
  call.line("information.");
  return 0;
}

function keysOf(made: JsonObject, name: string): string[] {
  return asList(made[name]).map(asText);
}

function keysJson(
  asked: JsonObject,
  made: JsonObject,
  unseal: readonly string[],
  recovery: readonly string[],
): JsonObject {
  const hex = (keys: readonly string[]) =>
    keys.length === 0 ? null : keys.map((key) => toHex(fromBase64(key) ?? new Uint8Array()));
  return {
    unseal_keys_b64: unseal,
    unseal_keys_hex: hex(unseal) ?? [],
    unseal_shares: asked.secret_shares ?? 0,
    unseal_threshold: asked.secret_threshold ?? 0,
    recovery_keys_b64: recovery.length === 0 ? null : recovery,
    recovery_keys_hex: hex(recovery),
    recovery_keys_shares: asked.recovery_shares ?? 0,
    recovery_keys_threshold: asked.recovery_threshold ?? 0,
    root_token: asText(made.root_token),
  };
}
