/** moto from PyPI: a server that speaks S3's protocol, and checks signatures once it is told to. */
import { installed } from "../e2e/installed.ts";
import { freePort, startEmulator } from "./emulator.ts";

/** An exact version: a new one of theirs is to be met on purpose. */
const version = "5.2.5";

export interface Moto extends AsyncDisposable {
  /** Host and port. */
  readonly endpoint: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** With one bucket and one user. Undefined where it can't be had. */
export async function startMoto(bucket: string): Promise<Moto | undefined> {
  const folder = await installed(`moto-${version}`, (path) => [
    ["python3", "-m", "venv", path],
    [`${path}/bin/pip`, "install", "--quiet", `moto[server,s3]==${version}`],
  ]);
  if (folder === undefined) return undefined;
  const port = freePort();
  const args = ["-H", "127.0.0.1", "-p", `${port}`];
  const server = await startEmulator(`${folder}/bin/moto_server`, args, port);
  const endpoint = `127.0.0.1:${port}`;
  const post = async (path: string, body: string, init: RequestInit = {}): Promise<string> => {
    const response = await fetch(`http://${endpoint}${path}`, { method: "POST", body, ...init });
    return await response.text();
  };
  await post(`/${bucket}`, "", { method: "PUT" });
  const iam = (query: Record<string, string>) => post("/", `${new URLSearchParams(query)}`, asIam);
  await iam({ Action: "CreateUser", UserName: "backup" });
  const key = await iam({ Action: "CreateAccessKey", UserName: "backup" });
  const PolicyDocument = JSON.stringify({
    Version: "2012-10-17",
    Statement: [{ Effect: "Allow", Action: "s3:*", Resource: "*" }],
  });
  await iam({ Action: "PutUserPolicy", UserName: "backup", PolicyName: "p", PolicyDocument });
  await post("/moto-api/reset-auth", "0");
  const part = (name: string) => new RegExp(`<${name}>([^<]+)<`).exec(key)?.[1] ?? "";
  return {
    endpoint,
    accessKeyId: part("AccessKeyId"),
    secretAccessKey: part("SecretAccessKey"),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/** By the scope of the signature moto tells its services apart; it is not checked yet. */
const asIam: RequestInit = {
  headers: {
    "content-type": "application/x-www-form-urlencoded",
    authorization: "AWS4-HMAC-SHA256 Credential=x/20260101/us-east-1/iam/aws4_request, " +
      "SignedHeaders=host, Signature=x",
  },
};
