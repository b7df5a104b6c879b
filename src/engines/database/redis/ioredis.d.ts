/** The part of ioredis that is used here; its own types bring another version of Node's. */
export interface RedisOptions {
  host: string;
  port: number;
  username: string;
  password: string;
  tls?: { rejectUnauthorized: boolean; ca?: string };
  lazyConnect: boolean;
  /** Milliseconds. */
  connectTimeout: number;
  /** Milliseconds. */
  commandTimeout: number;
  retryStrategy: () => null;
  maxRetriesPerRequest: number;
  enableReadyCheck: boolean;
  disableClientInfo: boolean;
}

export class Redis {
  constructor(options: RedisOptions);
  readonly status: string;
  on(event: "error", listener: (error: Error) => void): this;
  connect(): Promise<void>;
  call(command: string, ...args: string[]): Promise<unknown>;
  /** Closes when all is answered. */
  quit(): Promise<unknown>;
  disconnect(): void;
}
