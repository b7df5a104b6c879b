/** The pki engine: certificate authorities, and what they issue. */
import { defineBackend } from "../../backend/backend.ts";
import type { LogicalBackend } from "../../core/backend.ts";
import type { Services } from "../../core/services.ts";
import { acmePaths } from "./acme_paths.ts";
import { certificatePaths } from "./certificate_paths.ts";
import { CrlBuilder } from "./crl_builder.ts";
import { crlConfigPath } from "./crl_config.ts";
import { crlPaths } from "./crl_paths.ts";
import type { Engine } from "./engine.ts";
import { importPaths } from "./import_paths.ts";
import { intermediatePaths } from "./intermediate_paths.ts";
import { issuePaths } from "./issue_paths.ts";
import { issuerPaths } from "./issuer_paths.ts";
import { keyPaths } from "./key_paths.ts";
import { KeyRing } from "./key_ring.ts";
import { ocspPaths } from "./ocsp_paths.ts";
import { revokeLeased } from "./revoke.ts";
import { revokePaths } from "./revoke_paths.ts";
import { rolePaths } from "./role_paths.ts";
import { rootPaths } from "./root_paths.ts";
import { Tidy } from "./tidy.ts";
import { tidyPaths } from "./tidy_paths.ts";
import { urlPaths } from "./urls.ts";

export function pkiBackend(services: () => Services): LogicalBackend {
  const keys = new KeyRing(services);
  const crls = new CrlBuilder(services, keys);
  const engine: Engine = { services, keys, crls, tidy: new Tidy(services, crls) };
  return defineBackend({
    type: "pki",
    help: "Issues certificates, and tells which of them are revoked.",
    paths: [
      ...issuePaths(engine),
      ...rolePaths(),
      ...certificatePaths(engine),
      ...crlPaths(engine),
      ...revokePaths(engine),
      ...rootPaths(engine),
      ...intermediatePaths(engine),
      ...importPaths(engine),
      ...issuerPaths(engine),
      ...keyPaths(engine),
      ...urlPaths(),
      ...crlConfigPath(engine),
      ...tidyPaths(engine),
      ...ocspPaths(engine),
      ...acmePaths(),
    ],
    revoke: (call) => revokeLeased(engine, call),
    start: ({ uuid }) => {
      const prefix = `logical/${uuid}/`;
      crls.start(prefix);
      engine.tidy.start(prefix);
    },
    close: async () => {
      await engine.tidy.stop();
      await crls.stop();
      keys.close();
    },
  });
}
