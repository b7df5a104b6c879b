/** `operator rekey` and `operator rotate-keys`: new key shares from a quorum of the old ones. */
import { fromHex, toBase64 } from "../../base/bytes.ts";
import { bool, type Flag, int, list, text } from "../args/flag.ts";
import type { Call } from "../call.ts";
import { toSecret } from "../client/secret.ts";
import type { Command } from "../command.ts";
import { CommandError, UsageError } from "../errors.ts";
import { asList, asNumber, asObject, asText, type Json, type JsonObject } from "../json.ts";
import { keyValue, wrap } from "../output/table.ts";
import { product } from "../help.ts";
import { keyShare } from "./key_input.ts";
import { readPgpKeys } from "./pgp_keys.ts";

const flags: readonly Flag[] = [
  bool(
    "backup",
    "Keep the new keys, encrypted, on the node until told to delete them. For -init " +
      "with -pgp-keys.",
  ),
  bool("backup-delete", "Delete the kept keys."),
  bool("backup-retrieve", "Print the kept keys."),
  bool("cancel", "Give up; the shares given so far are forgotten."),
  bool("init", "Start."),
  int("key-shares", "Keys to make.", { fallback: "5", aliases: ["n"] }),
  int("key-threshold", "Keys it will take.", { fallback: "3", aliases: ["t"] }),
  text("nonce", "Nonce of what is going on, printed at its start."),
  list("pgp-keys", "Files with a public key for each new key, with commas.", {
    placeholder: "files",
  }),
  bool("status", "Print how far it is."),
  text(
    "target",
    "Which keys: those that unseal, or the recovery keys of a seal that opens by " +
      "itself.",
    { fallback: "barrier", placeholder: "barrier|recovery" },
  ),
  bool(
    "verify",
    "Speak of the second half, in which the new keys are given back to prove that " +
      "they arrived; for -init: ask for that half.",
  ),
];

interface Wording {
  readonly name: string;
  /** "rekey" in "Error initializing rekey". */
  readonly noun: string;
  readonly done: string;
  readonly paths: Readonly<Record<"barrier" | "recovery", { base: string; backup: string }>>;
}

export const rekey: Command = keysCommand(
  {
    name: "rekey",
    noun: "rekey",
    done: "rekeying",
    paths: {
      barrier: { base: "sys/rekey", backup: "sys/rekey/backup" },
      recovery: { base: "sys/rekey-recovery-key", backup: "sys/rekey/recovery-key-backup" },
    },
  },
  "Makes new unseal keys (or recovery keys) with the agreement of enough holders of the old " +
    "ones, which stop working at the end.",
);

export const rotateKeys: Command = keysCommand({
  name: "rotate-keys",
  noun: "rotation",
  done: "rotation",
  paths: {
    barrier: { base: "sys/rotate/root", backup: "sys/rotate/root/backup" },
    recovery: { base: "sys/rotate/recovery", backup: "sys/rotate/recovery/backup" },
  },
}, "Does what `operator rekey` does, for callers with a token: through sys/rotate.");

function keysCommand(words: Wording, about: string): Command {
  return {
    usage: "[options] [KEY]",
    about,
    examples: [
      ["Start, for three new keys", `operator ${words.name} -init -key-shares=3 -key-threshold=2`],
      ["Give one of the old keys", `operator ${words.name}`],
      ["Give up", `operator ${words.name} -cancel`],
    ],
    flags,
    words: [0, 1],
    output: "format",
    run: (call) => new Rekeying(call, words).run(),
  };
}

class Rekeying {
  readonly #call: Call;
  readonly #words: Wording;

  constructor(call: Call, words: Wording) {
    this.#call = call;
    this.#words = words;
  }

  async run(): Promise<number> {
    const { flags } = this.#call;
    if (flags.bool("init")) return await this.#start();
    if (flags.bool("cancel")) return await this.#cancel();
    if (flags.bool("status")) return await this.#print(await this.#status());
    if (flags.bool("backup-retrieve")) return await this.#retrieve();
    if (flags.bool("backup-delete")) return await this.#deleteBackup();
    return await this.#provide();
  }

  get #paths() {
    const target = this.#call.flags.text("target").trim().toLowerCase();
    if (target === "barrier") return this.#words.paths.barrier;
    if (target === "recovery" || target === "hsm") return this.#words.paths.recovery;
    throw new UsageError('-target must be "barrier" or "recovery"');
  }

  /** `init` and `update` of the first half, or `verify` of the second. */
  #path(step: "init" | "update"): string {
    const { base } = this.#paths;
    if (!this.#call.flags.bool("verify")) return `${base}/${step}`;
    return `${base}/verify`;
  }

  async #send(doing: string, method: "GET" | "PUT" | "DELETE", path: string, body?: Json) {
    const client = await this.#call.client();
    const request = body === undefined ? { method, path } : { method, path, body };
    const answer = await this.#call.during(doing, client.send(request));
    const all = asObject(answer.json);
    return "nonce" in all || "started" in all ? all : asObject(all.data);
  }

  #status(): Promise<JsonObject> {
    return this.#send(`reading ${this.#words.noun} status`, "GET", this.#path("init"));
  }

  async #start(): Promise<number> {
    const { flags, io } = this.#call;
    const pgp_keys = await readPgpKeys(flags.list("pgp-keys"), io);
    const body = {
      secret_shares: flags.int("key-shares") ?? 0,
      secret_threshold: flags.int("key-threshold") ?? 0,
      pgp_keys: pgp_keys.length === 0 ? null : pgp_keys,
      backup: flags.bool("backup"),
      require_verification: flags.bool("verify"),
    };
    const path = `${this.#paths.base}/init`;
    const status = await this.#send(`initializing ${this.#words.noun}`, "PUT", path, body);
    if (this.#call.forPeople) {
      if (pgp_keys.length === 0) {
        this.#call.note(
          "WARNING! The new keys are shown once, at the end; whoever loses them then has lost " +
            "them for good. With -pgp-keys they come encrypted, and -backup keeps them for a while.",
        );
      }
      this.#call.line();
    }
    return await this.#print(status);
  }

  async #cancel(): Promise<number> {
    const path = this.#path("init");
    await this.#send(`canceling ${this.#words.noun}`, "DELETE", path);
    this.#call.line(`Success! Canceled ${this.#words.done} (if it was started)`);
    return 0;
  }

  async #retrieve(): Promise<number> {
    const client = await this.#call.client();
    const answer = await this.#call.during(
      "retrieving the kept keys",
      client.send({ method: "GET", path: this.#paths.backup }),
    );
    const secret = toSecret(answer.json);
    if (secret === undefined) throw new CommandError("Error: no keys are kept", 2);
    const { data, ...rest } = secret;
    return await this.#call.secret({ ...rest, data: data ?? asObject(answer.json) });
  }

  async #deleteBackup(): Promise<number> {
    await this.#send("deleting the kept keys", "DELETE", this.#paths.backup);
    this.#call.line("Success! Deleted the kept keys (if there were any)");
    return 0;
  }

  async #provide(): Promise<number> {
    const call = this.#call;
    const status = await this.#status();
    if (status.started !== true && asText(status.nonce) === "") {
      throw new CommandError(
        `Error: no ${this.#words.noun} is going on. Start one with "${product} operator ` +
          `${this.#words.name} -init".`,
        1,
      );
    }
    let nonce = call.flags.text("nonce");
    if (call.arg(0).trim() !== "" && nonce === "") {
      throw new UsageError("the nonce is missing: give it with -nonce");
    }
    if (nonce === "") {
      nonce = asText(status.nonce);
      call.note(`Operation nonce: ${nonce}`);
    }
    const key = await keyShare(call);
    const body = { key, nonce };
    const answer = await this.#send("posting unseal key", "PUT", this.#path("update"), body);
    if (answer.complete !== true) return await this.#progress(answer);
    if (call.flags.bool("verify")) return this.#verified();
    return await this.#printKeys(status, answer);
  }

  /** Some peers answer a share with the nonce alone. */
  async #progress(answer: JsonObject): Promise<number> {
    return await this.#print("progress" in answer ? answer : await this.#status());
  }

  #verified(): number {
    this.#call.line("Success! The new keys are proven and are the ones in use from now on.");
    return 0;
  }

  async #print(status: JsonObject): Promise<number> {
    const call = this.#call;
    if (!call.forPeople) return await call.value(statusJson(status));
    call.lines(keyValue(statusRows(status)));
    return 0;
  }

  async #printKeys(before: JsonObject, made: JsonObject): Promise<number> {
    const call = this.#call;
    if (!call.forPeople) return await call.value(made);
    const fingerprints = asList(made.pgp_fingerprints).map(asText);
    call.line();
    newKeys(made).forEach((key, index) => {
      const owner = fingerprints[index];
      const whose = owner === undefined ? "" : ` fingerprint: ${owner}; value`;
      call.line(`Key ${index + 1}${whose}: ${key}`);
    });
    call.line();
    call.line(`Operation nonce: ${asText(made.nonce)}`);
    const verification = asText(made.verification_nonce);
    if (verification !== "") call.line(`Verification nonce: ${verification}`);
    call.line();
    const [shares, threshold] = [asNumber(before.n), asNumber(before.t)];
    const proof = verification === ""
      ? "The old keys are of no use any more."
      : "The old keys stay in use until the new ones are proven with -verify.";
    call.line(wrap(
      `There are ${shares} new keys, any ${threshold} of which are enough. Give them to ` +
        `different people: they are shown this once. ${proof}`,
    ));
    return 0;
  }
}

/** The keys as base64, which newer answers give beside hexadecimal. */
function newKeys(made: JsonObject): string[] {
  const encoded = asList(made.keys_base64).map(asText);
  if (encoded.length > 0) return encoded;
  return asList(made.keys).map((key) => {
    const bytes = fromHex(asText(key));
    return bytes === undefined ? asText(key) : toBase64(bytes);
  });
}

function statusJson(status: JsonObject): JsonObject {
  return {
    nonce: asText(status.nonce),
    started: status.started === true,
    t: asNumber(status.t),
    n: asNumber(status.n),
    progress: asNumber(status.progress),
    required: asNumber(status.required),
    pgp_fingerprints: status.pgp_fingerprints ?? null,
    backup: status.backup === true,
    verification_required: status.verification_required === true,
    verification_nonce: asText(status.verification_nonce),
  };
}

function statusRows(status: JsonObject): (readonly [string, string])[] {
  const started = status.started === true;
  const rows: (readonly [string, string])[] = [
    ["Nonce", asText(status.nonce)],
    ["Started", String(started)],
  ];
  if (!started) return rows;
  rows.push(["Progress", `${asNumber(status.progress)}/${asNumber(status.required ?? status.t)}`]);
  rows.push(["New Shares", String(asNumber(status.n))]);
  rows.push(["New Threshold", String(asNumber(status.t))]);
  rows.push(["Verification Required", String(status.verification_required === true)]);
  if (asText(status.verification_nonce) !== "") {
    rows.push(["Verification Nonce", asText(status.verification_nonce)]);
  }
  const fingerprints = asList(status.pgp_fingerprints).map(asText);
  if (fingerprints.length > 0) {
    rows.push(["PGP Fingerprints", `[${fingerprints.join(" ")}]`]);
    rows.push(["Backup", String(status.backup === true)]);
  }
  return rows;
}
