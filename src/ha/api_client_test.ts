import { assertEquals, assertRejects } from "@std/assert";
import { systemClock, systemRandom } from "../base/clock.ts";
import { Failure } from "../base/failure.ts";
import { postApi } from "./api_client.ts";
import { makeKeyring, tlsOf } from "./tls_keyring.ts";

Deno.test("a node's API is trusted by its CA and name, and told by its errors", async () => {
  const { certificate: cert, key, serverName } = tlsOf(
    await makeKeyring(systemClock, systemRandom),
  );
  await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, cert, key, onListen() {} }, (
    request,
  ) =>
    request.url.endsWith("/sys/good")
      ? Response.json({ data: { a: 1 } })
      : Response.json({ errors: ["no"] }, { status: 400 }));
  const target = {
    address: `https://127.0.0.1:${server.addr.port}`,
    caCert: cert,
    clientCert: "",
    clientKey: "",
    serverName,
  };
  assertEquals((await postApi(target, "sys/good", {})).get("a"), 1);
  await assertRejects(() => postApi(target, "sys/bad", {}), Failure, "no");
  await assertRejects(() => postApi({ ...target, caCert: "" }, "sys/good", {}), Failure);
  await assertRejects(() => postApi({ ...target, serverName: "other" }, "sys/good", {}), Failure);
});
