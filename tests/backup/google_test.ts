/** Automated snapshots in a bucket of Google's kind: an emulator from PyPI keeps it. */
import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { exportPKCS8, generateKeyPair, type GenerateKeyPairResult, jwtVerify } from "jose";
import { readGoogleKey } from "../../src/snapshot/auto/credentials/google_key.ts";
import { surroundingsOf } from "../../src/snapshot/auto/credentials/testing.ts";
import { GoogleTarget } from "../../src/snapshot/auto/google_target.ts";
import type { GoogleSettings } from "../../src/snapshot/auto/settings.ts";
import { installed } from "../e2e/installed.ts";
import { skipUnless } from "../e2e/skip.ts";
import { freePort, startEmulator } from "./emulator.ts";
import { aNodeUses, keepsWhatItIsGiven, never, tellsThatNobodyAnswers } from "./promises.ts";

/** An exact version: a new one of theirs is to be met on purpose. */
const version = "2026.7.19";

const email = "backup@project.iam.gserviceaccount.com";

/** Stands for Google's token endpoint: takes assertions of one account, and hands out tokens. */
class TokenServer implements AsyncDisposable {
  handedOut = 0;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor(readonly keys: GenerateKeyPairResult) {
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: freePort(), onListen: () => {} },
      (request) => this.#answer(request),
    );
  }

  get uri(): string {
    return `http://127.0.0.1:${this.#server.addr.port}/token`;
  }

  async #answer(request: Request): Promise<Response> {
    const form = new URLSearchParams(await request.text());
    try {
      const { payload } = await jwtVerify(form.get("assertion") ?? "", this.keys.publicKey, {
        issuer: email,
        audience: this.uri,
      });
      assertEquals(payload.scope, "https://www.googleapis.com/auth/devstorage.read_write");
      this.handedOut++;
      return Response.json({ access_token: "t", expires_in: 3600 });
    } catch {
      const body = { error: "invalid_grant", error_description: "Invalid JWT Signature." };
      return Response.json(body, { status: 400 });
    }
  }

  async keyFile({ privateKey }: GenerateKeyPairResult): Promise<string> {
    const private_key = await exportPKCS8(privateKey);
    return JSON.stringify({
      type: "service_account",
      client_email: email,
      private_key,
      token_uri: this.uri,
    });
  }

  async [Symbol.asyncDispose]() {
    await this.#server.shutdown();
  }
}

function settingsAt(port: number, key: string, prefix: string): GoogleSettings {
  return {
    storage_type: "google-gcs",
    interval: 3600,
    retain: 2,
    path_prefix: prefix,
    file_prefix: "snap",
    google_gcs_bucket: "backups",
    google_service_account_key: key,
    google_endpoint: `127.0.0.1:${port}`,
    google_disable_tls: true,
  };
}

Deno.test("Google's bucket keeps what it is given, for the account's key", async (t) => {
  const folder = await installed(`gcs-emulator-${version}`, (path) => [
    ["python3", "-m", "venv", path],
    [`${path}/bin/pip`, "install", "--quiet", `gcp-storage-emulator==${version}`],
  ]);
  if (!skipUnless(t, folder !== undefined, "python3 and PyPI (gcp-storage-emulator)")) return;
  const port = freePort();
  const args = ["start", "-q", "-M", "--port", `${port}`, "-H", "127.0.0.1"];
  const program = `${folder}/bin/gcp-storage-emulator`;
  await using _server = await startEmulator(program, [...args, "--default-bucket=backups"], port);
  const options = { extractable: true };
  const [keys, others] = [
    await generateKeyPair("RS256", options),
    await generateKeyPair("RS256", options),
  ];
  await using tokens = new TokenServer(keys);
  const settings = settingsAt(port, await tokens.keyFile(keys), "prod/node & co/");
  const open = (of: GoogleSettings, files = {}, environment = {}) =>
    new GoogleTarget(of, surroundingsOf(environment, files));
  await keepsWhatItIsGiven(open(settings));
  assertEquals(tokens.handedOut, 1);

  const wrong = { ...settings, google_service_account_key: await tokens.keyFile(others) };
  const refused = open(wrong);
  await assertRejects(() => refused.list(never), Error, "Google's login answered 400");
  const gone = open({ ...settings, google_gcs_bucket: "gone" });
  await assertRejects(() => gone.list(never), Error, "Google answered 404");
  const nobody = settingsAt(freePort(), settings.google_service_account_key, "");
  await tellsThatNobodyAnswers(open(nobody));
  const keyless = { ...settings, google_service_account_key: "" };
  await assertRejects(() => open(keyless).list(never), Error, "no credentials for Google");
  const file = { "/key.json": settings.google_service_account_key };
  const byFile = open(keyless, file, { GOOGLE_APPLICATION_CREDENTIALS: "/key.json" });
  assertEquals((await byFile.list(never)).length, 1);
  const { url } = await aNodeUses(settingsAt(port, settings.google_service_account_key, "own/"), [
    "google_service_account_key",
  ]);
  assertStringIncludes(url, `http://127.0.0.1:${port}/backups/own/snap-`);
  const own = open({ ...settings, path_prefix: "own/" });
  assertEquals((await own.list(never)).length, 2);
});

Deno.test("a key file that is none is refused, without a word of it", () => {
  for (const text of ["secret-text", "[]", '{"client_email": "secret-text"}']) {
    const error = assertThrows(() => readGoogleKey(text), Error, "no key file");
    assert(!error.message.includes("secret-text"));
  }
});
