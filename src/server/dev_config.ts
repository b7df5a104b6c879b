/** The configuration of a dev server, in the language of all the others. */
import type { DevOptions } from "../cli/server_options.ts";
import type { ConfigSource } from "../config/server.ts";
import type { DevCertificate } from "./dev_tls.ts";

/** Read before the files of -config, so that these may change it. */
export function devConfig(options: DevOptions, tls: DevCertificate | undefined): ConfigSource {
  const transport = tls === undefined ? "tls_disable = true" : [
    `tls_cert_file = ${JSON.stringify(tls.certPath)}`,
    `tls_key_file = ${JSON.stringify(tls.keyPath)}`,
  ].join("\n  ");
  const text = `storage "inmem" {}
raw_storage_endpoint = true
introspection_endpoint = true
ui = true
listener "tcp" {
  address = ${JSON.stringify(options.listenAddress)}
  ${transport}
  telemetry {
    unauthenticated_metrics_access = true
  }
}
telemetry {
  disable_hostname = true
}
`;
  return { name: "-dev", text };
}
