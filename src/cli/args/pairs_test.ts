import { assertEquals, assertRejects } from "@std/assert";
import { UsageError } from "../errors.ts";
import { fakeIo } from "../testing/fake_io.ts";
import { Seeded } from "../testing/random.ts";
import { readPairs, readTextPairs } from "./pairs.ts";

Deno.test("values come from the word, a file, or standard input", async () => {
  const io = fakeIo({ stdin: "typed", files: { "p.txt": "from file\n" } });
  assertEquals(await readPairs(["a=1", "b=@p.txt", "c=-", "d=\\@p.txt", "e=x=y", "f="], io), {
    a: "1",
    b: "from file\n",
    c: "typed",
    d: "@p.txt",
    e: "x=y",
    f: "",
  });
});

Deno.test("a whole object comes from a file or standard input, with its types", async () => {
  const io = fakeIo({ stdin: '{"n": [1, null]}', files: { "d.json": '{"a": true}' } });
  assertEquals(await readPairs(["@d.json", "-", "x=1"], io), { a: true, n: [1, null], x: "1" });
});

Deno.test("a key that comes twice becomes a list", async () => {
  assertEquals(await readPairs(["x=1", "x=2", "x=3"], fakeIo()), { x: ["1", "2", "3"] });
  await assertRejects(() => readTextPairs(["x=1", "x=2"], fakeIo()), UsageError);
});

Deno.test("errors name keys and places, never values", async () => {
  const io = fakeIo({ stdin: "hunter2", files: { "s.txt": "hunter2" } });
  for (const words of [["hunter2"], ["=hunter2"], ["-"], ["@s.txt"], ["a=-", "b=-"]]) {
    const error = await assertRejects(() => readPairs(words, io), UsageError);
    assertEquals(error.message.includes("hunter2"), false, error.message);
  }
  await assertRejects(() => readPairs(["key=@gone.txt"], io), UsageError, "key");
});

Deno.test("property: key=value is read back, whatever the value, `__proto__` too", async () => {
  const random = new Seeded(3);
  for (let round = 0; round < 500; round++) {
    const key = random.pick(["a", "__proto__", "constructor", "k-1", "é"]);
    const value = random.text('=ab "\\\n,{}é', 10);
    if (value === "-" || value.startsWith("@") || value.startsWith("\\@")) continue;
    const data = await readPairs([`${key}=${value}`], fakeIo());
    assertEquals(Object.entries(data), [[key, value]]);
  }
});
