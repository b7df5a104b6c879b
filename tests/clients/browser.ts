/** A browser as far as a login needs one: cookies, redirects, forms. */

export interface Page {
  readonly url: URL;
  readonly status: number;
  readonly html: string;
}

export interface Form {
  readonly action: URL;
  readonly method: string;
  readonly fields: Record<string, string>;
}

const redirectsMax = 20;

export class Browser {
  readonly #cookies = new Map<string, Map<string, string>>();

  /** `stopAt` are addresses that are not asked: the page is then empty, and its URL tells. */
  constructor(readonly stopAt: (url: URL) => boolean = () => false) {}

  open(url: URL | string): Promise<Page> {
    return this.#follow(new URL(url), { method: "GET" });
  }

  /** Sends a form with what is filled in. */
  submit({ action, method, fields }: Form, filled: Record<string, string> = {}): Promise<Page> {
    const parameters = new URLSearchParams({ ...fields, ...filled });
    if (method === "post") return this.#follow(action, { method: "POST", body: parameters });
    const url = new URL(action);
    url.search = parameters.toString();
    return this.open(url);
  }

  async #follow(start: URL, init: RequestInit): Promise<Page> {
    let url = start;
    let request = init;
    for (let i = 0; i < redirectsMax; i++) {
      if (this.stopAt(url)) return { url, status: 0, html: "" };
      const response = await fetch(url, {
        ...request,
        redirect: "manual",
        headers: { cookie: this.#cookiesOf(url) },
      });
      this.#keep(url, response.headers);
      const html = await response.text();
      const location = response.headers.get("location");
      if (location === null) return { url, status: response.status, html };
      url = new URL(location, url);
      request = { method: "GET" };
    }
    throw new Error(`too many redirects, the last one to ${url}`);
  }

  #cookiesOf({ host }: URL): string {
    return [...this.#cookies.get(host) ?? []].map(([name, value]) => `${name}=${value}`).join("; ");
  }

  #keep({ host }: URL, headers: Headers): void {
    const jar = this.#cookies.get(host) ?? new Map<string, string>();
    for (const cookie of headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
      if (value === "" || /expires=Thu, 01 Jan 1970/i.test(cookie)) jar.delete(name);
      else jar.set(name, value);
    }
    this.#cookies.set(host, jar);
  }
}

/** The first form of a page. */
export function formOf({ url, html }: Page): Form {
  const [, attributes = "", content = ""] = /<form([^>]*)>([\s\S]*?)<\/form>/.exec(html) ?? [];
  if (content === "" && attributes === "") throw new Error(`no form at ${url}:\n${html}`);
  const fields: Record<string, string> = {};
  for (const [, input = ""] of content.matchAll(/<input([^>]*)>/g)) {
    const name = attribute(input, "name");
    if (name !== "") fields[name] = attribute(input, "value");
  }
  return {
    action: new URL(attribute(attributes, "action") || url.href, url),
    method: attribute(attributes, "method").toLowerCase() || "get",
    fields,
  };
}

function attribute(tag: string, name: string): string {
  const found = new RegExp(`\\b${name}="([^"]*)"`).exec(tag)?.[1] ?? "";
  return found.replaceAll("&quot;", '"').replaceAll("&#39;", "'").replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">").replaceAll("&amp;", "&");
}
