/** The target that some settings name. */
import type { Surroundings } from "./credentials/surroundings.ts";
import { LocalTarget } from "./local_target.ts";
import type { SnapshotSettings } from "./settings.ts";
import type { SnapshotTarget } from "./target.ts";

/** `surroundings` give what settings may leave out; they are looked into once that is needed. */
export async function openTarget(
  settings: SnapshotSettings,
  surroundings: Surroundings,
): Promise<SnapshotTarget> {
  switch (settings.storage_type) {
    case "local":
      return new LocalTarget(settings);
    case "aws-s3": {
      const { S3Target } = await import("./s3_target.ts");
      return new S3Target(settings, surroundings);
    }
    case "azure-blob": {
      const { AzureTarget } = await import("./azure_target.ts");
      return new AzureTarget(settings, surroundings);
    }
    case "google-gcs": {
      const { GoogleTarget } = await import("./google_target.ts");
      return new GoogleTarget(settings, surroundings);
    }
  }
}
