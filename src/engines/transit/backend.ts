/** The transit engine: encryption and signatures by keys that never leave. */
import { defineBackend } from "../../backend/backend.ts";
import { toolPaths } from "../../backend/tools.ts";
import type { LogicalBackend } from "../../core/backend.ts";
import type { Services } from "../../core/services.ts";
import { AutoRotation } from "./auto_rotate.ts";
import { backupPaths } from "./backup_paths.ts";
import { certificatePaths } from "./certificate_paths.ts";
import { cipherPaths } from "./cipher_paths.ts";
import { configPaths } from "./config_paths.ts";
import type { Engine } from "./engine.ts";
import { exportPaths } from "./export_paths.ts";
import { importPaths } from "./import_paths.ts";
import { KeyCache } from "./key_cache.ts";
import { keyPaths } from "./key_paths.ts";
import { settingsPaths } from "./settings.ts";
import { signPaths } from "./sign_paths.ts";
import { wrappedExportPaths } from "./wrapped_export.ts";

export function transitBackend(services: () => Services): LogicalBackend {
  const engine: Engine = { services, keys: new KeyCache(services) };
  const rotation = new AutoRotation(services);
  return defineBackend({
    type: "transit",
    help: "Encrypts, decrypts, signs and verifies for others, who never see the keys.",
    paths: [
      ...keyPaths(engine),
      ...configPaths(engine),
      ...importPaths(engine),
      ...certificatePaths(engine),
      ...cipherPaths(engine),
      ...signPaths(engine),
      ...exportPaths(engine),
      ...wrappedExportPaths(engine),
      ...backupPaths(engine),
      ...settingsPaths(),
      ...toolPaths(services, { needsInput: true }),
    ],
    start: ({ uuid }) => rotation.start(`logical/${uuid}/`),
    close: async () => {
      await rotation.stop();
      engine.keys.close();
    },
  });
}
