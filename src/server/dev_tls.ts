/** The certificate of a dev server that speaks TLS. */

export interface DevCertificate {
  readonly caPath: string;
  readonly certPath: string;
  readonly keyPath: string;
}
