/** Requests that a standby passes on, over a connection as it is between nodes. */
import { assertEquals, assertRejects } from "@std/assert";
import { connect, createServer, type Socket } from "node:net";
import { utf8 } from "../base/bytes.ts";
import { Failure } from "../base/failure.ts";
import { silentLogger } from "../base/log.ts";
import { FrameSocket } from "../raft/net/frame_socket.ts";
import { ForwardClient, type ForwardedRequest } from "./forward_client.ts";
import { ForwardKind, json, numbered } from "./forward_frames.ts";
import { acceptForwarded } from "./forward_server.ts";

const inJson = { headers: { "content-type": "application/json" } };

/** Both ends of one connection. */
async function ends(run: (a: FrameSocket, b: FrameSocket) => Promise<void>): Promise<void> {
  const accepted = Promise.withResolvers<Socket>();
  const server = createServer((socket) => accepted.resolve(socket));
  const port = await new Promise<number>((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      resolve(typeof address === "object" ? address?.port ?? 0 : 0);
    });
  });
  const near = new FrameSocket(connect(port, "127.0.0.1"));
  const far = new FrameSocket(await accepted.promise);
  try {
    await run(near, far);
  } finally {
    near.close();
    far.close();
    await Promise.all([near.closed, far.closed]);
    await new Promise<void>((resolve) => server.close(() => resolve()));
  }
}

function asked(target: string, body = ""): ForwardedRequest {
  return {
    method: "POST",
    target,
    headers: new Headers({ "x-vault-token": "t" }),
    body: utf8(body),
    connection: { remoteAddress: "192.0.2.1", remotePort: 7 },
  };
}

/** A standby before an active node that answers so. */
function forwarding(
  handle: (request: Request) => Promise<Response | undefined>,
  run: (client: ForwardClient) => Promise<void>,
): Promise<void> {
  return ends(async (near, far) => {
    acceptForwarded(far, { isActive: true, handle, heard() {} }, silentLogger);
    await run(new ForwardClient(near));
  });
}

Deno.test("many requests at once get each its own answer, with status, headers and body", () =>
  forwarding(async (request) => {
    const text = await request.text();
    const body = JSON.stringify({ path: new URL(request.url).pathname, text });
    const headers = { ...inJson.headers, "x-mine": text, "cache-control": "no-store" };
    return new Response(body, { status: 201, headers });
  }, async (client) => {
    const texts = Array.from({ length: 100 }, (_, i) => `${i}`.repeat(i + 1));
    const responses = await Promise.all(texts.map((text) => client.forward(asked("/v1/a", text))));
    for (const [i, response] of responses.entries()) {
      assertEquals(response.status, 201);
      assertEquals(response.headers.get("x-mine"), texts[i]);
      assertEquals(response.headers.get("cache-control"), "no-store");
      assertEquals(await response.json(), { path: "/v1/a", text: texts[i] });
    }
  }));

for (const bytes of [0, 1, 64 * 1024, 64 * 1024 + 1, 200_000, 3_000_000]) {
  Deno.test(`an answer of ${bytes} bytes comes through, as JSON and as anything else`, () => {
    const body = "x".repeat(bytes);
    return forwarding(
      (request) => Promise.resolve(new Response(body, request.url.endsWith("json") ? inJson : {})),
      async (client) => {
        for (const target of ["/json", "/other"]) {
          const response = await client.forward(asked(target));
          assertEquals((await response.text()) === body, true);
        }
      },
    );
  });
}

Deno.test("an answer without a body stays one", () =>
  forwarding(
    () => Promise.resolve(new Response(null, { status: 204, ...inJson })),
    async (client) => {
      const response = await client.forward(asked("/v1/a"));
      assertEquals([response.status, response.body], [204, null]);
    },
  ));

Deno.test("what is no JSON is passed on as it comes", async () => {
  const more = Promise.withResolvers<void>();
  const slow = new ReadableStream({
    async start(controller) {
      controller.enqueue(utf8("first"));
      await more.promise;
      controller.enqueue(utf8("second"));
      controller.close();
    },
  });
  await forwarding(() => Promise.resolve(new Response(slow)), async (client) => {
    const reader = (await client.forward(asked("/v1/a"))).body?.getReader();
    assertEquals((await reader?.read())?.value, utf8("first"));
    more.resolve();
    assertEquals((await reader?.read())?.value, utf8("second"));
    assertEquals((await reader?.read())?.done, true);
  });
});

Deno.test("the answer of an earlier version, which does not say how long it is, is passed on too", () =>
  ends(async (near, far) => {
    far.onFrame(({ kind, payload }) => {
      if (kind !== ForwardKind.bodyEnd) return;
      const number = payload.subarray(0, 4);
      const head = { status: 200, headers: [["content-type", "application/json"]], hasBody: true };
      far.send(ForwardKind.answer, number, utf8(JSON.stringify(head)));
      for (const text of ["{", "}"]) far.send(ForwardKind.answerBody, number, utf8(text));
      far.send(ForwardKind.answerEnd, number);
    });
    const response = await new ForwardClient(near).forward(asked("/v1/a"));
    assertEquals(await response.json(), {});
  }));

for (const [what, sent] of [["longer", "too long"], ["shorter", "s"]] as const) {
  Deno.test(`an answer that is ${what} than it said is no answer: nobody knows what was done`, () =>
    ends(async (near, far) => {
      far.onFrame(({ kind }) => {
        if (kind !== ForwardKind.bodyEnd) return;
        const head = { status: 200, headers: [], hasBody: true, bodyBytes: 3 };
        far.send(ForwardKind.answer, numbered(1), json(head));
        far.send(ForwardKind.answerBody, numbered(1), utf8(sent));
        far.send(ForwardKind.answerEnd, numbered(1));
      });
      const lost = await assertRejects(
        () => new ForwardClient(near).forward(asked("/v1/a")),
        Failure,
      );
      assertEquals(lost.status, 502);
    }));
}

Deno.test("a connection that is cut in the middle of an answer is a 502", () =>
  ends(async (near, far) => {
    far.onFrame(({ kind }) => {
      if (kind !== ForwardKind.bodyEnd) return;
      const head = { status: 200, headers: [], hasBody: true, bodyBytes: 3 };
      far.send(ForwardKind.answer, numbered(1), json(head));
      far.close();
    });
    const lost = await assertRejects(
      () => new ForwardClient(near).forward(asked("/v1/a")),
      Failure,
    );
    assertEquals(lost.status, 502);
  }));
