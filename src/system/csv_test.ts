import { assertEquals } from "@std/assert";
import { csvHead, csvLine, noteColumns } from "./csv.ts";

Deno.test("fields that hold more become columns, and nothing in a cell breaks out of it", () => {
  const records = [
    { id: "a", names: ["x", "y"], about: { team: 'the "best", ever' } },
    { id: "b\nc", names: [], about: { "=1+1": "@sum" }, more: true },
  ];
  const columns = new Set<string>();
  for (const record of records) noteColumns(record, columns);
  assertEquals(
    csvHead(columns) + records.map((record) => csvLine(record, columns)).join(""),
    "id,names.0,names.1,about.team,about.=1+1,more\n" +
      'a,x,y,"the ""best"", ever",,\n' +
      '"b\nc",,,,\'@sum,true\n',
  );
});
