/** `operator generate-root`: a new root token (or one of its kind) from a quorum of key shares. */
import { bool, text } from "../args/flag.ts";
import type { Call } from "../call.ts";
import type { Client } from "../client/client.ts";
import type { Command } from "../command.ts";
import { ApiError, CommandError, UsageError } from "../errors.ts";
import { asNumber, asObject, asText, type Json, type JsonObject } from "../json.ts";
import { columns } from "../output/table.ts";
import { product } from "../help.ts";
import { keyShare } from "./key_input.ts";
import { readPgpKey } from "./pgp_keys.ts";
import { randomBase62 } from "../../base/base62.ts";
import { decodeToken } from "./otp.ts";

export const command: Command = {
  usage: "[options] [KEY]",
  about: "Makes a new root token with the agreement of enough holders of key shares. One of them " +
    "starts it with -init, each gives a share, and the token comes encrypted to the one-time " +
    "password or PGP key of the start.",
  examples: [
    ["Start, with a one-time password that the node makes", "operator generate-root -init"],
    ["Give a share", "operator generate-root"],
    ["Decode the result", "operator generate-root -decode=ENCODED -otp=PASSWORD"],
  ],
  flags: [
    bool("cancel", "Give up; the shares given so far are forgotten."),
    text("decode", "Encoded token to decode with -otp; - reads it from standard input.", {
      placeholder: "token",
    }),
    bool("dr-token", "Make a DR operation token, on a DR secondary."),
    bool("generate-otp", "Print a one-time password for -otp and do nothing else."),
    bool("init", "Start."),
    text("nonce", "Nonce of what is going on, printed at its start."),
    text("otp", "One-time password for -init or -decode."),
    text("pgp-key", "File with the public key to encrypt the token to, for -init.", {
      placeholder: "file",
    }),
    bool("recovery-token", "Make a token for a node in recovery mode."),
    bool("status", "Print how far it is."),
  ],
  words: [0, 1],
  output: "format",
  async run(call) {
    const { flags } = call;
    if (flags.text("decode") !== "") return await decode(call);
    const attempt = await currentAttempt(call);
    if (flags.bool("generate-otp")) return generateOtp(call, attempt);
    if (flags.bool("init")) return await start(call, attempt);
    if (flags.bool("status")) return await print(call, attempt.status);
    if (flags.bool("cancel")) return await cancel(call, attempt);
    return await provide(call, attempt);
  },
};

interface Attempt {
  readonly client: Client;
  readonly path: string;
  readonly status: JsonObject;
}

/** Where the attempt lives: the first of these paths that the node knows. */
function attemptPaths(call: Call): string[] {
  if (call.flags.bool("dr-token")) {
    return ["sys/replication/dr/secondary/generate-operation-token"];
  }
  if (call.flags.bool("recovery-token")) {
    return ["sys/generate-recovery-token", "sys/generate-root"];
  }
  // Peers that ask for a token beside the shares moved the call.
  return ["sys/generate-root", "sys/generate-root-token"];
}

async function currentAttempt(call: Call): Promise<Attempt> {
  const client = await call.client();
  const paths = attemptPaths(call);
  for (const [index, path] of paths.entries()) {
    const asked = client.send({ method: "GET", path: `${path}/attempt`, preflight: true });
    const last = index === paths.length - 1;
    try {
      const { json } = await (last ? call.during("reading the status", asked) : asked);
      return { client, path, status: attemptFields(json) };
    } catch (error) {
      const unknown = error instanceof ApiError && [404, 405].includes(error.status);
      if (!unknown || last) await call.during("reading the status", Promise.reject(error));
    }
  }
  throw new Error("there is always a last path");
}

function attemptFields(body: Json | undefined): JsonObject {
  const all = asObject(body);
  return "started" in all ? all : asObject(all.data);
}

async function start(call: Call, { client, path, status }: Attempt): Promise<number> {
  const otp = call.flags.text("otp");
  const keyFile = call.flags.text("pgp-key");
  if (otp !== "" && keyFile !== "") throw new UsageError("-otp and -pgp-key exclude one another");
  const makeOtp = otp === "" && keyFile === "" && path.includes("/replication/");
  const used = makeOtp ? randomBase62(call.io.random, asNumber(status.otp_length) || 26) : otp;
  const body = {
    ...(used === "" ? {} : { otp: used }),
    ...(keyFile === "" ? {} : { pgp_key: await readPgpKey(keyFile, call.io) }),
  };
  const answer = await call.during(
    "initializing root generation",
    client.send({ method: "PUT", path: `${path}/attempt`, body }),
  );
  const begun = attemptFields(answer.json);
  const shown = makeOtp && asText(begun.otp) === "" ? { ...begun, otp: used } : begun;
  if (asText(shown.otp) !== "" && call.forPeople) {
    call.note("Keep the one-time password (OTP) below: only it decodes the token in the end.");
  }
  return await print(call, shown);
}

async function cancel(call: Call, { client, path }: Attempt): Promise<number> {
  await call.during(
    "canceling root generation",
    client.send({ method: "DELETE", path: `${path}/attempt` }),
  );
  call.line("Success! Root token generation canceled (if it was started)");
  return 0;
}

async function provide(call: Call, { client, path, status }: Attempt): Promise<number> {
  const given = call.arg(0).trim();
  let nonce = call.flags.text("nonce");
  if (status.started !== true) {
    throw new CommandError(
      `Error: no root generation is going on. Start one with "${product} operator generate-root ` +
        `-init". An own one-time password must be ${asNumber(status.otp_length)} characters long.`,
      1,
    );
  }
  if (given !== "" && nonce === "") {
    throw new UsageError("the nonce is missing: give it with -nonce");
  }
  if (nonce === "") {
    nonce = asText(status.nonce);
    call.note(`Operation nonce: ${nonce}`);
  }
  const key = await keyShare(call);
  const answer = await call.during(
    "posting unseal key",
    client.send({ method: "PUT", path: `${path}/update`, body: { key, nonce } }),
  );
  return await print(call, attemptFields(answer.json));
}

function generateOtp(call: Call, { status }: Attempt): number {
  return call.exact(randomBase62(call.io.random, asNumber(status.otp_length) || 26));
}

async function decode(call: Call): Promise<number> {
  const typed = call.flags.text("decode");
  const otp = call.flags.text("otp");
  if (otp === "") throw new UsageError("the one-time password is missing: give it with -otp");
  const encoded = typed === "-"
    ? new TextDecoder().decode(await call.io.readStdin()).trim()
    : typed;
  const token = decodeToken(encoded, otp);
  if (!call.forPeople) return await call.value({ token });
  return call.exact(token);
}

async function print(call: Call, status: JsonObject): Promise<number> {
  const text = (name: string) => asText(status[name]);
  const encoded = text("encoded_token") || text("encoded_root_token");
  if (!call.forPeople) {
    return await call.value({
      nonce: text("nonce"),
      started: status.started === true,
      progress: asNumber(status.progress),
      required: asNumber(status.required),
      complete: status.complete === true,
      encoded_token: encoded,
      encoded_root_token: text("encoded_root_token"),
      pgp_fingerprint: text("pgp_fingerprint"),
      otp: text("otp"),
      otp_length: asNumber(status.otp_length),
    });
  }
  const rows = [
    ["Nonce", text("nonce")],
    ["Started", String(status.started === true)],
    ["Progress", `${asNumber(status.progress)}/${asNumber(status.required)}`],
    ["Complete", String(status.complete === true)],
    ["PGP Fingerprint", text("pgp_fingerprint")],
    ["Encoded Token", encoded],
    ["OTP", text("otp")],
    ["OTP Length", asNumber(status.otp_length) === 0 ? "" : String(status.otp_length)],
  ].filter(([title, value]) => title === "Nonce" || value !== "");
  call.lines(columns(rows));
  return 0;
}
