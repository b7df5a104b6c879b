/** The part of pg that is used here. */
import type { PeerCertificate } from "node:tls";

export interface PoolConfig {
  host: string;
  port: number;
  database: string;
  user: string;
  password: string;
  ssl: boolean | TlsOptions;
  max: number;
  idleTimeoutMillis: number;
  /** 0 for no end. */
  maxLifetimeSeconds: number;
  connectionTimeoutMillis: number;
  query_timeout: number;
  application_name: string;
  allowExitOnIdle: boolean;
}

export interface TlsOptions {
  rejectUnauthorized: boolean;
  ca?: string;
  cert?: string;
  key?: string;
  checkServerIdentity?: (host: string, certificate: PeerCertificate) => Error | undefined;
}

export interface Queryable {
  query<Row>(text: string, values?: readonly unknown[]): Promise<{ rows: Row[] }>;
}

export interface PoolClient extends Queryable {
  release(broken: boolean): void;
  once(event: "end", listener: () => void): this;
  off(event: "end", listener: () => void): this;
  on(event: "error", listener: (error: Error) => void): this;
}

export class Pool implements Queryable {
  constructor(config: PoolConfig);
  readonly idleCount: number;
  /** Who waits for a connection. */
  readonly waitingCount: number;
  on(event: "error", listener: (error: Error) => void): this;
  on(event: "connect", listener: (client: PoolClient) => void): this;
  connect(): Promise<PoolClient>;
  end(): Promise<void>;
  query<Row>(text: string, values?: readonly unknown[]): Promise<{ rows: Row[] }>;
}

declare const driver: { Pool: typeof Pool };
export default driver;
