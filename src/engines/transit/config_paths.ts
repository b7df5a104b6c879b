/** `keys/:name/config` and `trim`: which versions may be used, and what may be done with a key. */
import { badRequest } from "../../base/failure.ts";
import { field } from "../../backend/field.ts";
import { type Path, path } from "../../backend/path.ts";
import type { Engine } from "./engine.ts";
import { answerInfo, requirePolicy } from "./key_paths.ts";
import { checkRotationPeriod } from "./make_key.ts";
import { type KeyPolicy, KeyStore } from "./policy.ts";

const fields = {
  min_decryption_version: field.int("The oldest version that decrypts and verifies."),
  min_encryption_version: field.int(
    "The oldest version that may be asked to encrypt and sign; 0 for the newest alone, by default.",
  ),
  deletion_allowed: field.bool("The key may be deleted."),
  exportable: field.bool("The secrets may be read. Can't be taken back."),
  allow_plaintext_backup: field.bool("The key may be backed up. Can't be taken back."),
  auto_rotate_period: field.duration("Rotates so often; 0 for never, else an hour at least."),
};

interface Changes {
  readonly min_decryption_version: number | undefined;
  readonly min_encryption_version: number | undefined;
  readonly deletion_allowed: boolean | undefined;
  readonly exportable: boolean | undefined;
  readonly allow_plaintext_backup: boolean | undefined;
  readonly auto_rotate_period: number | undefined;
}

export function configPaths(engine: Engine): Path[] {
  return [
    path("keys/:name/config", {
      summary: "What may be done with a key.",
      fields,
      operations: {
        update: {
          summary: "Changes it; what is not said stays.",
          handler: async (call, input) => {
            const store = new KeyStore(call.storage);
            const policy = await requirePolicy(store, input.name);
            const { next, warnings } = changed(policy, input);
            await store.putPolicy(next);
            return await answerInfo(engine, store, next, warnings);
          },
        },
      },
    }),
    trimPath(engine),
  ];
}

function changed(policy: KeyPolicy, input: Changes): { next: KeyPolicy; warnings: string[] } {
  const warnings: string[] = [];
  const { min_decryption_version: asked } = input;
  if (asked === 0) {
    warnings.push("versions of keys start at 1; min_decryption_version was set to 1");
  }
  const minDecryptionVersion = asked === undefined
    ? policy.minDecryptionVersion
    : inRange(policy, "decryption", asked) || 1;
  const minEncryptionVersion = input.min_encryption_version === undefined
    ? policy.minEncryptionVersion
    : inRange(policy, "encryption", input.min_encryption_version);
  checkMinimums(policy, minDecryptionVersion, minEncryptionVersion);
  const autoRotatePeriod = input.auto_rotate_period ?? policy.autoRotatePeriod;
  checkRotationPeriod(autoRotatePeriod);
  const next = {
    ...policy,
    minDecryptionVersion,
    minEncryptionVersion,
    deletionAllowed: input.deletion_allowed ?? policy.deletionAllowed,
    exportable: policy.exportable || input.exportable === true,
    allowPlaintextBackup: policy.allowPlaintextBackup || input.allow_plaintext_backup === true,
    autoRotatePeriod,
  };
  return { next, warnings };
}

function inRange({ latestVersion }: KeyPolicy, what: string, version: number): number {
  if (version < 0) throw badRequest(`min ${what} version cannot be negative`);
  if (version <= latestVersion) return version;
  throw badRequest(
    `cannot set min ${what} version of ${version}, latest key version is ${latestVersion}`,
  );
}

function checkMinimums(policy: KeyPolicy, decryption: number, encryption: number): void {
  if (encryption > 0 && encryption < decryption) {
    throw badRequest(
      `cannot set min encryption/decryption values; min encryption version of ${encryption} must ` +
        `be greater than or equal to min decryption version of ${decryption}`,
    );
  }
  const available = policy.minAvailableVersion;
  if (decryption < available || (encryption > 0 && encryption < available)) {
    throw badRequest(`versions below ${available} have been trimmed and are not available`);
  }
}

function trimPath(engine: Engine): Path {
  return path("keys/:name/trim", {
    summary: "Forgets old versions for good.",
    fields: { min_available_version: field.int("The oldest version that is kept.") },
    operations: {
      update: {
        summary: "Forgets all versions below one that neither decrypts nor encrypts any more.",
        handler: async (call, input) => {
          const store = new KeyStore(call.storage);
          const policy = await requirePolicy(store, input.name);
          const first = checkTrim(policy, input.min_available_version);
          for (const number of (await store.versions(policy.name, 0, first - 1)).keys()) {
            store.deleteVersion(policy.name, number);
          }
          const next = { ...policy, minAvailableVersion: first };
          await store.putPolicy(next);
          return await answerInfo(engine, store, next);
        },
      },
    },
  });
}

function checkTrim(policy: KeyPolicy, first: number | undefined): number {
  const { minEncryptionVersion, minDecryptionVersion, latestVersion } = policy;
  if (first === undefined) throw badRequest("missing min_available_version");
  if (first < Math.max(1, policy.minAvailableVersion)) {
    throw badRequest("minimum available version cannot be decremented, and is at least 1");
  }
  if (minEncryptionVersion === 0) {
    throw badRequest(
      "minimum available version cannot be set when minimum encryption version is not set",
    );
  }
  for (
    const [limit, what] of [
      [latestVersion, "latest version"],
      [minEncryptionVersion, "minimum encryption version"],
      [minDecryptionVersion, "minimum decryption version"],
    ] as const
  ) {
    if (first > limit) {
      throw badRequest(`minimum available version cannot be higher than the ${what}`);
    }
  }
  return first;
}
