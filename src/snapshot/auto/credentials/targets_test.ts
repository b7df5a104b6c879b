/** That targets use what was found around the server. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { freePortIn } from "../../../base/testing.ts";
import { AzureTarget } from "../azure_target.ts";
import { S3Target } from "../s3_target.ts";
import { surroundingsOf } from "./testing.ts";

const never = new AbortController().signal;

const common = { interval: 60, retain: 1, path_prefix: "p", file_prefix: "snap" };

function serve(answer: (request: Request) => Response): Deno.HttpServer<Deno.NetAddr> {
  const port = freePortIn(19_400, 20);
  return Deno.serve({ hostname: "127.0.0.1", port, onListen: () => {} }, answer);
}

Deno.test("Azure's calls carry the token of the machine's identity", async () => {
  const names: (string | null)[] = [];
  await using server = serve((request) => {
    if (request.url.includes("/oauth2/token")) {
      return Response.json({ access_token: "tok", expires_in: "3600" });
    }
    names.push(request.headers.get("authorization"));
    return new Response("<x><Name>p/snap-1.snap</Name><Content-Length>7</Content-Length></x>");
  });
  const url = `http://127.0.0.1:${server.addr.port}`;
  const target = new AzureTarget({
    storage_type: "azure-blob",
    ...common,
    azure_container_name: "c",
    azure_account_name: "account",
    azure_account_key: "",
    azure_auth_mode: "managed",
    azure_blob_environment: "AZUREPUBLICCLOUD",
    azure_endpoint: url,
  }, surroundingsOf({ AZURE_POD_IDENTITY_AUTHORITY_HOST: url }));
  assertEquals(await target.list(never), [{ name: "snap-1.snap", bytes: 7 }]);
  assertEquals(names, ["Bearer tok"]);
});

Deno.test("S3's calls are signed with a container's keys, and with new ones once those end", async () => {
  let handedOut = 0;
  const signed: string[] = [];
  await using server = serve((request) => {
    if (request.url.endsWith("/keys")) {
      handedOut++;
      // Good for a minute only: less than an upload may take.
      const Expiration = new Date(Date.now() + 60_000).toISOString();
      const AccessKeyId = `KEY${handedOut}`;
      return Response.json({ AccessKeyId, SecretAccessKey: "s", Token: "t", Expiration });
    }
    assertEquals(request.headers.get("x-amz-security-token"), "t");
    signed.push(request.headers.get("authorization") ?? "");
    return new Response("<ListBucketResult></ListBucketResult>");
  });
  const host = `127.0.0.1:${server.addr.port}`;
  const target = new S3Target({
    storage_type: "aws-s3",
    ...common,
    aws_s3_bucket: "bucket",
    aws_s3_region: "eu-west-1",
    aws_access_key_id: "",
    aws_secret_access_key: "",
    aws_session_token: "",
    aws_s3_endpoint: host,
    aws_s3_disable_tls: true,
    aws_s3_force_path_style: true,
    aws_s3_server_side_encryption: false,
    aws_s3_enable_kms: false,
    aws_s3_kms_key: "",
  }, surroundingsOf({ AWS_CONTAINER_CREDENTIALS_FULL_URI: `http://${host}/keys` }));
  await target.list(never);
  await target.list(never);
  assertStringIncludes(signed[0] ?? "", "Credential=KEY1/");
  assertStringIncludes(signed[1] ?? "", "Credential=KEY2/");
});
