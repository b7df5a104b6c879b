/** Random bytes and hashes, for `sys/tools/` and for engines that offer them too. */
import { fromBase64, toBase64, toHex } from "../base/bytes.ts";
import { badRequest } from "../base/failure.ts";
import { field } from "./field.ts";
import { type Path, path } from "./path.ts";
import type { Services } from "../core/services.ts";
import { isHashName } from "../crypto/hashes.ts";

const maxRandomBytes = 128 * 1024;

function encode(bytes: Uint8Array, format: string): string {
  if (format === "base64") return toBase64(bytes);
  if (format === "hex") return toHex(bytes);
  throw badRequest(`unsupported encoding format "${format}"; must be "hex" or "base64"`);
}

function randomBytes(services: Services, count: number, format: string, source: string) {
  if (!Number.isInteger(count) || count < 1) throw badRequest('"bytes" cannot be less than 1');
  if (count > maxRandomBytes) throw badRequest(`"bytes" should be less than ${maxRandomBytes}`);
  if (!["", "platform", "seal", "all"].includes(source)) {
    throw badRequest(`unsupported entropy source "${source}"`);
  }
  const data = { random_bytes: encode(services.tokens.random.bytes(count), format) };
  return source === "seal"
    ? { data, warnings: ["This seal is no source of entropy; the platform's was used."] }
    : { data };
}

const randomFields = {
  bytes: field.int("How many.", 32),
  format: field.string("base64 or hex.", "base64"),
};

const sources: readonly string[] = ["platform", "seal", "all"];

/** A last part of the path is a source or a number. */
function fromPath(services: Services, last: string, bytes: number, format: string) {
  if (sources.includes(last)) return randomBytes(services, bytes, format, last);
  if (!/^\d+$/.test(last)) throw badRequest("the number of bytes must be a number");
  return randomBytes(services, Number(last), format, "");
}

function hashOf(services: Services, algorithm: string, input: string, format: string) {
  const bytes = fromBase64(input);
  if (bytes === undefined) throw badRequest("unable to decode input as base64");
  const name = algorithm.replace(/^sha2-/, "sha");
  if (!/^sha[23]-\d+$/.test(algorithm) || !isHashName(name)) {
    throw badRequest(`unsupported algorithm "${algorithm}"`);
  }
  return { data: { sum: encode(services.mounts.platform.crypto.hash(name, bytes), format) } };
}

const hashFields = {
  input: field.string("What to hash, in base64."),
  format: field.string("hex or base64.", "hex"),
};

/** `hash` takes no input for an empty one, unless it `needsInput`. */
export function toolPaths(services: () => Services, { needsInput = false } = {}): Path[] {
  const hash = (algorithm: string, input: string | undefined, format: string) => {
    if (input === undefined && needsInput) throw badRequest("missing input");
    return hashOf(services(), algorithm, input ?? "", format);
  };
  return [
    path("random/:source/:bytes", {
      summary: "Random bytes.",
      fields: { format: randomFields.format },
      operations: {
        update: {
          summary: "Makes random bytes.",
          standby: true,
          handler: (_call, input) =>
            randomBytes(services(), Number(input.bytes), input.format, input.source),
        },
      },
    }),
    path("random/:last", {
      summary: "Random bytes.",
      fields: randomFields,
      operations: {
        update: {
          summary: "Makes random bytes.",
          standby: true,
          handler: (_call, input) => fromPath(services(), input.last, input.bytes, input.format),
        },
      },
    }),
    path("random", {
      summary: "Random bytes.",
      fields: { ...randomFields, source: field.string("platform, seal or all.", "") },
      operations: {
        update: {
          summary: "Makes random bytes.",
          standby: true,
          handler: (_call, input) =>
            randomBytes(services(), input.bytes, input.format, input.source),
        },
      },
    }),
    path("hash/:urlalgorithm", {
      summary: "A hash.",
      fields: { ...hashFields, algorithm: field.string("Not used: the path names it.") },
      operations: {
        update: {
          summary: "Hashes.",
          standby: true,
          handler: (_call, input) => hash(input.urlalgorithm, input.input, input.format),
        },
      },
    }),
    path("hash", {
      summary: "A hash.",
      fields: { ...hashFields, algorithm: field.string("sha2-256 and its kin.", "sha2-256") },
      operations: {
        update: {
          summary: "Hashes.",
          standby: true,
          handler: (_call, input) => hash(input.algorithm, input.input, input.format),
        },
      },
    }),
  ];
}
