/** The little that is needed of S3's answers. */

const entities: Readonly<Record<string, string>> = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  apos: "'",
};

/** The texts of all elements of a name, in their order. Only for elements that hold text alone. */
export function xmlTexts(xml: string, element: string): string[] {
  const found = xml.matchAll(new RegExp(`<${element}>([^<]*)</${element}>`, "g"));
  return [...found].map(([, text = ""]) => decode(text));
}

function decode(text: string): string {
  return text.replace(/&(#x?)?(\w+);/g, (whole, number: string | undefined, name: string) => {
    if (number === undefined) return entities[name] ?? whole;
    const code = parseInt(name, number === "#" ? 10 : 16);
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  });
}

/** S3 refused. Tells its code and sentence, which hold no secret; nothing of what was sent. */
export class S3Error extends Error {
  override name = "S3Error";

  constructor(readonly status: number, body: string) {
    const [code = ""] = xmlTexts(body, "Code");
    const [message = ""] = xmlTexts(body, "Message");
    super(`S3 answered ${status} ${code}: ${message.slice(0, 500)}`.replace(/[ :]+$/, ""));
  }
}
