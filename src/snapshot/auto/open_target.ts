/** The target that some settings name. */
import type { Clock } from "../../base/clock.ts";
import { LocalTarget } from "./local_target.ts";
import type { SnapshotSettings } from "./settings.ts";
import type { SnapshotTarget } from "./target.ts";

/** `environment` gives what settings may leave out. Throws a 400 where that has it neither. */
export async function openTarget(
  settings: SnapshotSettings,
  environment: (name: string) => string | undefined,
  clock: Clock,
): Promise<SnapshotTarget> {
  switch (settings.storage_type) {
    case "local":
      return new LocalTarget(settings);
    case "aws-s3": {
      const { S3Target } = await import("./s3_target.ts");
      return await S3Target.open(settings, environment);
    }
    case "azure-blob": {
      const { AzureTarget } = await import("./azure_target.ts");
      return new AzureTarget(settings, clock);
    }
    case "google-gcs": {
      const { GoogleTarget } = await import("./google_target.ts");
      return await GoogleTarget.open(settings, environment, clock);
    }
  }
}
