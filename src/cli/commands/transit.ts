/** `transit …`: keys that were made elsewhere, wrapped on this machine. */
import { fromBase64, toBase64, wipe } from "../../base/bytes.ts";
import { fromPem, KeyFormatError } from "../../crypto/keys.ts";
import { portableKeys } from "../../crypto/portable_keys.ts";
import { wrapForJourney } from "../../crypto/wrapped_key.ts";
import { readPairs, readTextPairs } from "../args/pairs.ts";
import type { Call } from "../call.ts";
import { apiPath } from "../client/request.ts";
import { anyWords, type Command } from "../command.ts";
import { CommandError, UsageError } from "../errors.ts";
import { asObject, asText } from "../json.ts";

const refused = 3;

const keyAbout =
  "KEY is base64, of the bytes of a symmetric key or of PKCS #8 in DER, or @file with " +
  "that in it, or - for standard input. It is wrapped here, for the node's wrapping key alone.";

export const importKey: Command = {
  usage: "[options] PATH KEY [DATA K=V...]",
  about: `Makes a transit key of one from elsewhere. ${keyAbout}`,
  examples: [[
    "Import an AES-256 key",
    "transit import transit/keys/orders @key.b64 exportable=true",
  ]],
  words: [2, anyWords],
  run: (call) => submit(call, "import"),
};

export const importVersion: Command = {
  usage: "[options] PATH KEY [DATA K=V...]",
  about: `Adds a version to a transit key that was imported. ${keyAbout}`,
  examples: [["Import the next version", "transit import-version transit/keys/orders @key.b64"]],
  words: [2, anyWords],
  run: (call) => submit(call, "import_version"),
};

async function submit(call: Call, operation: "import" | "import_version"): Promise<number> {
  const path = apiPath(call.arg(0));
  const [, mount, name] = /^(.+)\/keys\/([^/]+)$/.exec(path) ?? [];
  if (mount === undefined || name === undefined) {
    throw new UsageError("the key's path must have the form MOUNT/keys/NAME");
  }
  const data = await readPairs(call.args.slice(2), call.io);
  const key = await readKey(call);
  try {
    const ciphertext = await wrapped(call, mount, key);
    call.line("Submitting wrapped key.");
    const client = await call.client();
    await call.during(
      `importing to ${path}`,
      client.write(`${path}/${operation}`, { ...data, ciphertext, hash_function: "SHA256" }),
      refused,
    );
    call.line("Success!");
    return 0;
  } finally {
    wipe(key);
  }
}

async function readKey(call: Call): Promise<Uint8Array> {
  const texts = await readTextPairs([`key=${call.arg(1)}`], call.io);
  const key = fromBase64(texts.get("key")?.trim() ?? "");
  if (key === undefined || key.length === 0) throw new UsageError("the key is not base64");
  return key;
}

async function wrapped(call: Call, mount: string, key: Uint8Array): Promise<string> {
  call.line("Retrieving wrapping key.");
  const client = await call.client();
  const work = client.read(`${mount}/wrapping_key`);
  const secret = await call.during("fetching the wrapping key", work, refused);
  const pem = asText(asObject(secret?.data).public_key ?? "");
  try {
    const destination = portableKeys.importSpki(fromPem(pem).der);
    call.line("Wrapping source key with ephemeral key.");
    call.line("Encrypting ephemeral key with wrapping key.");
    return toBase64(await wrapForJourney(call.io.random, destination, key, "sha256"));
  } catch (error) {
    if (!(error instanceof KeyFormatError)) throw error;
    throw new CommandError(`Error: ${mount}/wrapping_key is no RSA key`, refused, { cause: error });
  }
}
