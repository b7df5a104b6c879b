/** Names of log files that were begun anew: `audit.log` becomes `audit-1700000000000000000.log`. */

/** The name that a file gets when it is moved away, `nowMs` since the epoch. */
export function rotatedPath(path: string, nowMs: number): string {
  const [stem, extension] = nameParts(path);
  return `${stem}-${Math.round(nowMs * 1e6)}${extension}`;
}

/** The folder of a file, as it is written in its path. */
export function folderOf(path: string): string {
  const slash = path.lastIndexOf("/");
  return slash < 0 ? "." : path.slice(0, slash + 1);
}

/** Of the names in the file's folder, the paths of its older selves beyond the `keep` latest. */
export function outlivedFiles(path: string, names: readonly string[], keep: number): string[] {
  const [stem, extension] = nameParts(path);
  const folder = path.slice(0, path.lastIndexOf("/") + 1);
  const prefix = `${stem.slice(folder.length)}-`;
  const old = names.filter((name) =>
    name.startsWith(prefix) && name.endsWith(extension) &&
    /^\d+$/.test(name.slice(prefix.length, name.length - extension.length))
  ).sort();
  return old.slice(0, Math.max(0, old.length - keep)).map((name) => folder + name);
}

/** `/var/log/holdfast` and `.log`. */
function nameParts(path: string): [stem: string, extension: string] {
  const dot = path.lastIndexOf(".");
  if (dot <= path.lastIndexOf("/") + 1) return [path, ""];
  return [path.slice(0, dot), path.slice(dot)];
}
