import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { freePortIn } from "../../../base/testing.ts";
import { ManualClock } from "../../../core/testing/kit.ts";
import { type AwsKeys, awsSources } from "./aws.ts";
import { sectionOf } from "./aws_profile.ts";
import { environmentSources, managedSources } from "./azure.ts";
import { firstOf, type Source } from "./chain.ts";
import { googleSources } from "./google.ts";
import { type Ending, Renewed, reserveMs } from "./renewed.ts";
import { surroundingsOf } from "./testing.ts";

const never = new AbortController().signal;
const end = "2030-01-01T00:00:00Z";

type Answer = (request: Request, body: string) => Response | Promise<Response>;

/** Stands for a cloud's service, and keeps what it was asked. */
class Service implements AsyncDisposable {
  readonly asked: string[] = [];
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor(answer: Answer) {
    const port = freePortIn(19_420, 60);
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port, onListen: () => {} },
      async (request) => {
        this.asked.push(`${request.method} ${request.url.slice(this.url.length)}`);
        return await answer(request, await request.text());
      },
    );
  }

  get host(): string {
    return `127.0.0.1:${this.#server.addr.port}`;
  }

  get url(): string {
    return `http://${this.host}`;
  }

  async [Symbol.asyncDispose]() {
    await this.#server.shutdown();
  }
}

function find<T>(sources: readonly Source<Ending<T>>[]): Promise<Ending<T>> {
  return firstOf("keys", sources, "set some", never);
}

/** What a chain says that finds nothing. */
async function refusal<T>(sources: readonly Source<Ending<T>>[]): Promise<string> {
  return (await assertRejects(() => find(sources), Error)).message;
}

const aws = (environment: Record<string, string>, files: Record<string, string> = {}) =>
  awsSources(surroundingsOf(environment, files), "eu-west-1");

const keys = (id: string, sessionToken = ""): AwsKeys => ({
  accessKeyId: id,
  secretAccessKey: "s3cret",
  sessionToken,
});

const asJson = (id: string) => ({
  Code: "Success",
  AccessKeyId: id,
  SecretAccessKey: "s3cret",
  Token: "t",
  Expiration: end,
});

Deno.test("AWS: the environment's keys go before everything else", async () => {
  const environment = {
    AWS_ACCESS_KEY_ID: "ENV",
    AWS_SECRET_ACCESS_KEY: "s3cret",
    AWS_SESSION_TOKEN: "t",
    AWS_WEB_IDENTITY_TOKEN_FILE: "/none",
  };
  assertEquals(await find(aws(environment)), { value: keys("ENV", "t"), until: Infinity });
});

Deno.test("AWS: a profile is looked for in both shared files, and its name is believed", async () => {
  const files = {
    "/home/u/.aws/credentials": "# x\n[default]\naws_access_key_id = D\n" +
      "aws_secret_access_key=s3cret\n[other]\naws_access_key_id=O\n",
    "/home/u/.aws/config": "[profile  other]\nregion = eu-central-1\ns3 =\n  max = 1\n" +
      "aws_secret_access_key = s3cret\n[profile program]\ncredential_process = /bin/x\n" +
      "[profile chained]\nrole_arn = arn:r\nsource_profile = default\n",
  };
  const HOME = "/home/u";
  assertEquals((await find(aws({ HOME }, files))).value, keys("D"));
  assertEquals((await find(aws({ HOME, AWS_PROFILE: "other" }, files))).value, keys("O"));
  const gone = await refusal(aws({ HOME, AWS_PROFILE: "gone" }, files));
  assertStringIncludes(gone, 'no profile "gone" in /home/u/.aws/credentials or');
  assertStringIncludes(
    await refusal(aws({ HOME, AWS_PROFILE: "program" }, files)),
    "wants credential_process",
  );
  assertStringIncludes(
    await refusal(aws({ HOME, AWS_PROFILE: "chained" }, files)),
    "takes a role by another way",
  );
  assertEquals(sectionOf("[a]\nx=1\n[b]\nx=2\n[a]\ny=3", "a"), new Map([["x", "1"], ["y", "3"]]));
});

Deno.test("AWS: a web identity's token is exchanged for keys that end", async () => {
  let isRefused = false;
  await using sts = new Service((_, body) => {
    const form = new URLSearchParams(body);
    assertEquals(form.get("Action"), "AssumeRoleWithWebIdentity");
    assertEquals(form.get("RoleArn"), "arn:aws:iam::1:role/r");
    assertEquals(form.get("WebIdentityToken"), "tok3n");
    if (isRefused) {
      const error = "<ErrorResponse><Error><Code>ExpiredTokenException</Code>" +
        "<Message>Token expired</Message></Error></ErrorResponse>";
      return new Response(error, { status: 400 });
    }
    return new Response(
      "<Credentials><AccessKeyId>WEB</AccessKeyId><SecretAccessKey>s3cret</SecretAccessKey>" +
        `<SessionToken>t</SessionToken><Expiration>${end}</Expiration></Credentials>`,
    );
  });
  const environment = {
    AWS_WEB_IDENTITY_TOKEN_FILE: "/token",
    AWS_ROLE_ARN: "arn:aws:iam::1:role/r",
    AWS_ENDPOINT_URL_STS: sts.url,
  };
  const files = { "/token": "tok3n\n" };
  const found = await find(aws(environment, files));
  assertEquals(found, { value: keys("WEB", "t"), until: Date.parse(end) });
  isRefused = true;
  const text = await refusal(aws(environment, files));
  assertStringIncludes(text, "AWS_WEB_IDENTITY_TOKEN_FILE failed: AWS STS answered 400 Expired");
  assertStringIncludes(text, "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (not both set)");
  assert(!text.includes("tok3n"));
  // By a profile, too.
  isRefused = false;
  const config = "[default]\nrole_arn=arn:aws:iam::1:role/r\nweb_identity_token_file=/token";
  const profile = { AWS_CONFIG_FILE: "/c", AWS_ENDPOINT_URL: sts.url };
  assertEquals((await find(aws(profile, { ...files, "/c": config }))).value, keys("WEB", "t"));
});

Deno.test("AWS: a container's service is shown the token of its file, and only near by", async () => {
  await using service = new Service((request) =>
    request.headers.get("authorization") === "auth-1"
      ? Response.json(asJson("POD"))
      : Response.json({ code: "Denied", message: "who are you" }, { status: 403 })
  );
  const AWS_CONTAINER_CREDENTIALS_FULL_URI = `${service.url}/v1/credentials?x=1`;
  const environment = {
    AWS_CONTAINER_CREDENTIALS_FULL_URI,
    AWS_CONTAINER_AUTHORIZATION_TOKEN: "wrong",
    AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: "/auth",
  };
  const found = await find(aws(environment, { "/auth": "auth-1\n" }));
  assertEquals(found, { value: keys("POD", "t"), until: Date.parse(end) });
  assertEquals(service.asked, ["GET /v1/credentials?x=1"]);
  const refused = await refusal(aws(environment, { "/auth": "auth-2" }));
  assertStringIncludes(refused, "credentials service answered 403 : who are you");
  assert(!refused.includes("auth-2"));
  const far = { AWS_CONTAINER_CREDENTIALS_FULL_URI: "http://example.com/x" };
  assertStringIncludes(await refusal(aws(far)), "neither https nor on this machine");
});

Deno.test("AWS: a machine's role is asked for in a session (version 2)", async () => {
  let role = "backup-role\n";
  await using machine = new Service((request) => {
    const { pathname } = new URL(request.url);
    if (request.method === "PUT") return new Response("sess1on");
    if (request.headers.get("x-aws-ec2-metadata-token") !== "sess1on") {
      return new Response("", { status: 401 });
    }
    if (pathname.endsWith("/security-credentials/")) {
      return role === "" ? new Response("", { status: 404 }) : new Response(role);
    }
    return Response.json(asJson("EC2"));
  });
  const environment = {
    AWS_EC2_METADATA_DISABLED: "false",
    AWS_EC2_METADATA_SERVICE_ENDPOINT: machine.url,
  };
  const found = await find(aws(environment));
  assertEquals(found, { value: keys("EC2", "t"), until: Date.parse(end) });
  assertEquals(machine.asked, [
    "PUT /latest/api/token",
    "GET /latest/meta-data/iam/security-credentials/",
    "GET /latest/meta-data/iam/security-credentials/backup-role",
  ]);
  role = "";
  const text = await refusal(aws(environment));
  for (
    const tried of [
      "set some. Tried: ",
      "AWS_WEB_IDENTITY_TOKEN_FILE (not set)",
      "profile of the shared files (no profile",
      "container's credentials service (no AWS_CONTAINER",
      "EC2 instance metadata service (the instance has no role)",
    ]
  ) assertStringIncludes(text, tried);
});

Deno.test("AWS: where no metadata service is, that is said in a moment", async () => {
  const nowhere = {
    AWS_EC2_METADATA_DISABLED: "",
    AWS_EC2_METADATA_SERVICE_ENDPOINT: `http://127.0.0.1:${freePortIn(19_480, 19)}`,
  };
  assertStringIncludes(await refusal(aws(nowhere)), "can't be reached at 127.0.0.1");
  const silent = Promise.withResolvers<Response>();
  await using machine = new Service(() => silent.promise);
  const environment = { ...nowhere, AWS_EC2_METADATA_SERVICE_ENDPOINT: machine.url };
  assertStringIncludes(await refusal(aws(environment)), "nobody answers at");
  silent.resolve(new Response(""));
});

const azureOf = (environment: Record<string, string>, id = "") =>
  managedSources(surroundingsOf(environment), id);

Deno.test("Azure: a managed identity's token comes from the machine, or from the application's", async () => {
  await using machine = new Service((request) =>
    request.headers.get("metadata") === "true"
      ? Response.json({ access_token: "imds", expires_in: "3600", expires_on: "1893456000" })
      : new Response("", { status: 400 })
  );
  const AZURE_POD_IDENTITY_AUTHORITY_HOST = machine.url;
  const found = await find(azureOf({ AZURE_POD_IDENTITY_AUTHORITY_HOST }, "id-1"));
  assertEquals(found.value, "imds");
  assert(Math.abs(found.until - Date.now() - 3_600_000) < 60_000);
  assertEquals(machine.asked, [
    "GET /metadata/identity/oauth2/token?api-version=2018-02-01&" +
    "resource=https%3A%2F%2Fstorage.azure.com%2F&client_id=id-1",
  ]);
  await using app = new Service((request) =>
    request.headers.get("x-identity-header") === "h"
      ? Response.json({ access_token: "app", expires_on: "1893456000" })
      : new Response("", { status: 401 })
  );
  const environment = { IDENTITY_ENDPOINT: `${app.url}/msi/token`, IDENTITY_HEADER: "h" };
  assertEquals(await find(azureOf(environment)), { value: "app", until: 1_893_456_000_000 });
  const text = await refusal(azureOf({}));
  assertStringIncludes(text, "IDENTITY_ENDPOINT and IDENTITY_HEADER (not both set)");
  assertStringIncludes(text, "Azure's instance metadata service (");
});

Deno.test("Azure: an application of the environment signs in by secret or by another's token", async () => {
  const bodies: URLSearchParams[] = [];
  await using login = new Service((_, body) => {
    bodies.push(new URLSearchParams(body));
    return bodies.length === 3
      ? Response.json({ error: "invalid_client", error_description: "wrong" }, { status: 401 })
      : Response.json({ access_token: "t", expires_in: 3600 });
  });
  const base = {
    AZURE_TENANT_ID: "ten",
    AZURE_CLIENT_ID: "app",
    AZURE_AUTHORITY_HOST: login.url,
  };
  const of = (environment: Record<string, string>) =>
    environmentSources(surroundingsOf(environment, { "/f": "fed\n" }), "", "AZUREPUBLICCLOUD");
  const bySecret = { ...base, AZURE_CLIENT_SECRET: "s3cret" };
  assertEquals((await find(of(bySecret))).value, "t");
  assertEquals((await find(of({ ...base, AZURE_FEDERATED_TOKEN_FILE: "/f" }))).value, "t");
  assertEquals(bodies.map((body) => [body.get("client_secret"), body.get("client_assertion")]), [
    ["s3cret", null],
    [null, "fed"],
  ]);
  assertEquals(bodies[0]?.get("scope"), "https://storage.azure.com/.default");
  assertEquals(login.asked[0], "POST /ten/oauth2/v2.0/token");
  const text = await refusal(of(bySecret));
  assertStringIncludes(text, "AZURE_CLIENT_SECRET failed: Azure's login answered 401 : wrong");
  assert(!text.includes("s3cret"));
  assertStringIncludes(
    await refusal(of({ AZURE_CLIENT_SECRET: "s3cret" })),
    "AZURE_TENANT_ID and AZURE_CLIENT_ID are not both set",
  );
  assertStringIncludes(await refusal(of({})), "AZURE_FEDERATED_TOKEN_FILE (not set)");
});

Deno.test("Google: the named file, then gcloud's, then the machine", async () => {
  await using server = new Service((request, body) => {
    if (request.method === "POST") {
      const token = new URLSearchParams(body).get("refresh_token");
      return Response.json({ access_token: `user-${token}`, expires_in: 60 });
    }
    return request.headers.get("metadata-flavor") === "Google"
      ? Response.json({ access_token: "gce", expires_in: 3600, token_type: "Bearer" })
      : new Response("", { status: 403 });
  });
  const user = (refresh_token: string) =>
    JSON.stringify({
      type: "authorized_user",
      client_id: "i",
      client_secret: "s3cret",
      refresh_token,
      token_uri: `${server.url}/token`,
    });
  const files = {
    "/named": user("named"),
    "/home/u/.config/gcloud/application_default_credentials.json": user("gcloud"),
    "/other": JSON.stringify({ type: "external_account", audience: "s3cret" }),
    "/broken": "{ s3cret",
  };
  const google = (environment: Record<string, string>) =>
    googleSources(surroundingsOf({ GCE_METADATA_HOST: server.host, ...environment }, files));
  const GOOGLE_APPLICATION_CREDENTIALS = "/named";
  const named = await find(google({ GOOGLE_APPLICATION_CREDENTIALS, HOME: "/home/u" }));
  assertEquals(named.value, "user-named");
  assertEquals((await find(google({ HOME: "/home/u" }))).value, "user-gcloud");
  assertEquals((await find(google({}))).value, "gce");
  for (const path of ["/other", "/broken", "/gone"]) {
    const text = await refusal(google({ GOOGLE_APPLICATION_CREDENTIALS: path }));
    assertStringIncludes(text, "GOOGLE_APPLICATION_CREDENTIALS failed: ");
    assert(!text.includes("s3cret"), text);
  }
  const nothing = await refusal(google({ GCE_METADATA_HOST: "127.0.0.1:9" }));
  assertStringIncludes(nothing, "GOOGLE_APPLICATION_CREDENTIALS (not set)");
  assertStringIncludes(nothing, "Google's metadata server (");
});

Deno.test("what ends is asked for again before it does, and not sooner", async () => {
  const clock = new ManualClock();
  let asked = 0;
  const renewed = new Renewed(clock, () => {
    asked++;
    return Promise.resolve({ value: asked, until: clock.now() + 2 * reserveMs });
  });
  assertEquals(await renewed.value(never), 1);
  await clock.advance(reserveMs - 1);
  assertEquals(await renewed.value(never), 1);
  await clock.advance(1);
  assertEquals(await renewed.value(never), 2);
});

Deno.test("a search that is broken off says so, and not that nothing was found", async () => {
  const stopped = AbortSignal.abort(new Error("stopped"));
  const environment = {
    AWS_EC2_METADATA_DISABLED: "",
    AWS_EC2_METADATA_SERVICE_ENDPOINT: "http://127.0.0.1:9",
  };
  await assertRejects(
    () => firstOf("keys", aws(environment), "", stopped),
    Error,
    "stopped",
  );
});
