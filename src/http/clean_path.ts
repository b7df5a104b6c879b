/**
 * The one form of a path that policies are checked against: no empty, "." or ".." segment. Another
 * form is answered with a redirect to this one, so that nothing is reached by two names.
 */

const unclean = /\/(?:\.{0,2})(?:\/|$)/;

/** The clean form of a path that starts with "/", or undefined where it is clean already. */
export function cleanPath(path: string): string | undefined {
  // A trailing slash is part of the name of a folder.
  const probe = path.endsWith("/") ? path.slice(0, -1) : path;
  if (!unclean.test(probe)) return undefined;
  const kept: string[] = [];
  for (const segment of path.split("/")) {
    if (segment === "" || segment === ".") continue;
    if (segment === "..") kept.pop();
    else kept.push(segment);
  }
  const cleaned = `/${kept.join("/")}`;
  return path.endsWith("/") && cleaned !== "/" ? `${cleaned}/` : cleaned;
}
