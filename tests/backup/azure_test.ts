/** Automated snapshots in a container: Azurite from npm keeps it, and checks who asks. */
import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { surroundingsOf } from "../../src/snapshot/auto/credentials/testing.ts";
import { AzureTarget } from "../../src/snapshot/auto/azure_target.ts";
import type { AzureSettings } from "../../src/snapshot/auto/settings.ts";
import { installed } from "../e2e/installed.ts";
import { scratch } from "../../src/server/testing.ts";
import { run } from "../e2e/program.ts";
import { skipUnless } from "../e2e/skip.ts";
import { freePort, startEmulator } from "./emulator.ts";
import { aNodeUses, keepsWhatItIsGiven, never, tellsThatNobodyAnswers } from "./promises.ts";

/** An exact version: a new one of theirs is to be met on purpose. */
const version = "3.37.0";

/** The account that Azurite always has; its documentation tells the key. */
const account = "devstoreaccount1";
const accountKey =
  "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

function settingsAt(port: number, container: string): AzureSettings {
  return {
    storage_type: "azure-blob",
    interval: 3600,
    retain: 2,
    path_prefix: "prod/node & co/",
    file_prefix: "snap",
    azure_container_name: container,
    azure_account_name: account,
    azure_account_key: accountKey,
    azure_auth_mode: "shared",
    azure_blob_environment: "AZUREPUBLICCLOUD",
    azure_endpoint: `http://127.0.0.1:${port}/${account}`,
  };
}

async function makeContainer(folder: string, port: number, name: string): Promise<void> {
  // Azurite brings Microsoft's own client along.
  const script = `const { BlobServiceClient } = require("@azure/storage-blob");
    BlobServiceClient.fromConnectionString(process.argv[1])
      .createContainer(process.argv[2]).then(() => console.log("made"));`;
  const connection =
    `DefaultEndpointsProtocol=http;AccountName=${account};AccountKey=${accountKey};` +
    `BlobEndpoint=http://127.0.0.1:${port}/${account};`;
  const env = { NODE_PATH: `${folder}/node_modules` };
  const made = await run("node", ["-e", script, connection, name], { env });
  assertEquals(made.stdout.trim(), "made", made.text);
}

Deno.test("a container keeps what it is given, for the right key", async (t) => {
  const folder = await installed(`azurite-${version}`, (path) => [
    ["npm", "install", "--silent", "--prefix", path, `azurite@${version}`, "@azure/storage-blob"],
  ]);
  if (!skipUnless(t, folder !== undefined, "node and npm's registry (azurite)") || !folder) return;
  await using data = await scratch();
  const port = freePort();
  const args = ["--silent", "--skipApiVersionCheck", "--blobPort", `${port}`, "-l", data.path];
  const program = `${folder}/node_modules/.bin/azurite-blob`;
  await using _server = await startEmulator(program, args, port);
  await makeContainer(folder, port, "backups");
  await makeContainer(folder, port, "of-a-node");
  const settings = settingsAt(port, "backups");
  await keepsWhatItIsGiven(new AzureTarget(settings, surroundingsOf()));

  const wrong = { ...settings, azure_account_key: btoa("not-the-right-one") };
  await assertRejects(
    () => new AzureTarget(wrong, surroundingsOf()).list(never),
    Error,
    "Azure answered 403",
  );
  const nobody = settingsAt(freePort(), "backups");
  await tellsThatNobodyAnswers(new AzureTarget(nobody, surroundingsOf()));
  const gone = { ...settings, azure_container_name: "gone" };
  await assertRejects(
    () => new AzureTarget(gone, surroundingsOf()).list(never),
    Error,
    "ContainerNotFound",
  );
  const own = settingsAt(port, "of-a-node");
  const { url } = await aNodeUses(own, ["azure_account_key"]);
  assertStringIncludes(url, "/of-a-node/prod/node%20%26%20co/snap-");
  assertEquals((await new AzureTarget(own, surroundingsOf()).list(never)).length, 2);
});
