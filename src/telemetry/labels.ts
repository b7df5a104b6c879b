/** Labels of a series, in the order in which they are shown. */
export type Labels = Readonly<Record<string, string>>;

export const noLabels: Labels = Object.freeze({});

/** The same text for the same labels, whatever their order. */
export function labelKey(labels: Labels): string {
  const names = Object.keys(labels);
  if (names.length === 0) return "";
  return names.sort().map((name) => `${name}\0${labels[name]}`).join("\x01");
}
