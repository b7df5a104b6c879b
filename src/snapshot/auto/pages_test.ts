import { assertEquals, assertRejects } from "@std/assert";
import { listPages, type Page } from "./pages.ts";

Deno.test("all pages are read, and only snapshots of the prefix are found", async () => {
  const asked: unknown[] = [];
  const pages: Record<string, Page> = {
    "": { files: [["a/p-1.snap", 1], ["a/note", 9]], next: "two" },
    two: { files: [["a/p-p-1.snap", 9], ["a/p-2.snap", 2]], next: "three" },
    three: { files: [["a/p-3.snap", 3]], next: "" },
  };
  const found = await listPages("a/", "p", (prefix, next = "") => {
    asked.push([prefix, next]);
    return Promise.resolve(pages[next] ?? { files: [], next: undefined });
  });
  assertEquals(found.map(({ bytes }) => bytes), [1, 2, 3]);
  assertEquals(asked, [["a/p", ""], ["a/p", "two"], ["a/p", "three"]]);
});

Deno.test("a listing that does not end is given up", async () => {
  const endless = () => Promise.resolve({ files: [], next: "more" });
  await assertRejects(() => listPages("a/", "p", endless), Error, "pages");
});
