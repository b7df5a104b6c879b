/**
 * The order of keys: that of their UTF-8 bytes, on every backend. JavaScript compares UTF-16 code
 * units, which differs only where surrogates meet the code points from U+E000 to U+FFFF.
 */

const hasSurrogate = /[\ud800-\udfff]/;

/** Negative, zero or positive, as `a` comes before, is, or comes after `b` in UTF-8 byte order. */
export function compareKeys(a: string, b: string): number {
  if (a === b) return 0;
  const order = a < b ? -1 : 1;
  // Only where the lesser one holds a surrogate can the two orders differ.
  return hasSurrogate.test(order < 0 ? a : b) ? compareSlowly(a, b) : order;
}

function compareSlowly(a: string, b: string): number {
  const shorter = Math.min(a.length, b.length);
  for (let i = 0; i < shorter; i++) {
    const x = a.charCodeAt(i), y = b.charCodeAt(i);
    if (x !== y) return rank(x) - rank(y);
  }
  return a.length - b.length;
}

/** Moves surrogates (which stand for U+10000 and above) behind the rest of the plane. */
function rank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}

/** The least key that is greater than `key`. */
export function successor(key: string): string {
  return `${key}\0`;
}

/**
 * The least string greater than every string that starts with `folder`, which ends in "/":
 * "0" follows "/" in ASCII.
 */
export function pastFolder(folder: string): string {
  return `${folder.slice(0, -1)}0`;
}

/** The same for a prefix that may be no folder; undefined where nothing bounds it so simply. */
export function pastPrefix(prefix: string): string | undefined {
  return prefix.endsWith("/") ? pastFolder(prefix) : undefined;
}
