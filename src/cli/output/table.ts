/** Columns of text, by default four blanks apart. */

const columnGap = "    ";

/** Lines of a table. Empty cells read "n/a"; nothing stands behind the last cell of a line. */
export function columns(rows: readonly (readonly string[])[], gap = columnGap): string[] {
  const cells = rows.map((row) => row.map((cell) => cell === "" ? "n/a" : cell));
  const widths: number[] = [];
  for (const row of cells) {
    row.forEach((cell, index) => widths[index] = Math.max(widths[index] ?? 0, width(cell)));
  }
  return cells.map((row) =>
    row.map((cell, index) =>
      index === row.length - 1 ? cell : cell + " ".repeat((widths[index] ?? 0) - width(cell))
    ).join(gap)
  );
}

/** A table with a line of titles, underlined. */
export function titled(
  titles: readonly string[],
  rows: readonly (readonly string[])[],
): string[] {
  return columns([titles, titles.map((title) => "-".repeat(title.length)), ...rows]);
}

/** A table of keys and values. */
export function keyValue(rows: readonly (readonly [string, string])[]): string[] {
  return titled(["Key", "Value"], rows);
}

/** Counts characters, not UTF-16 units. */
function width(text: string): number {
  return [...text].length;
}

/** Breaks sentences into lines of at most `limit` characters, each behind `margin`. */
export function wrap(text: string, margin = "", limit = 78): string {
  const lines: string[] = [];
  for (const paragraph of text.split("\n")) {
    let line = "";
    for (const word of paragraph.split(" ")) {
      if (line !== "" && margin.length + line.length + 1 + word.length > limit) {
        lines.push(margin + line);
        line = word;
      } else line = line === "" ? word : `${line} ${word}`;
    }
    lines.push(line === "" ? "" : margin + line);
  }
  return lines.join("\n");
}
