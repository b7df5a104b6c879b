/** What a browser is shown by the server itself. */
import type { RawResponse } from "../../../logical/response.ts";

/** Nothing is loaded from anywhere, nothing runs, and no other site can frame the page. */
const headers = {
  "content-security-policy":
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
  "x-frame-options": "DENY",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
};

const style =
  "body{font-family:system-ui,sans-serif;max-width:36em;margin:4em auto;padding:0 1em;" +
  "line-height:1.5}button{font:inherit;padding:.4em 1.2em}";

/** Text as it may stand in HTML, in attributes too. */
export function escapeHtml(text: string): string {
  const entities: Readonly<Record<string, string>> = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    '"': "&quot;",
    "'": "&#39;",
  };
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? "");
}

function page(status: number, title: string, body: string, head = ""): RawResponse {
  return {
    status,
    contentType: "text/html; charset=utf-8",
    headers,
    body: `<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>${title}</title>${head}
<meta name="viewport" content="width=device-width, initial-scale=1"><style>${style}</style></head>
<body><h1>${title}</h1>
${body}
</body></html>
`,
  };
}

/** `message` is text, not HTML. */
export function failurePage(message: string, status = 400): RawResponse {
  return page(status, "The login has failed", `<p>${escapeHtml(message)}</p>`);
}

export function successPage(): RawResponse {
  return page(
    200,
    "You are logged in",
    "<p>You may close this page and go back to where you began.</p>",
  );
}

/**
 * Asks the user whether it was they who began: who was talked into opening a stranger's address
 * would else log that stranger in (RFC 8628, 5.4).
 */
export function confirmPage(
  { address, role }: { readonly address: string; readonly role: string },
  fields: Readonly<Record<string, string>>,
): RawResponse {
  const hidden = Object.entries({ ...fields, confirmation: "yes" }).map(([name, value]) =>
    `<input type="hidden" name="${escapeHtml(name)}" value="${escapeHtml(value)}">`
  ).join("");
  return page(
    200,
    "Is this your login?",
    `<p>Somebody at the address <strong>${escapeHtml(address)}</strong> has begun to log in for the
role <strong>${escapeHtml(role)}</strong>. If you go on, they get access in your name.</p>
<p>Go on only if it was you who began it, a moment ago. Else close this page.</p>
<form method="get">${hidden}<button type="submit">It was me: log in</button></form>`,
  );
}

/** Passes what a provider has posted on to an address of this server. */
export function continuePage(path: string, parameters: Readonly<Record<string, string>>) {
  const target = escapeHtml(`${path}?${new URLSearchParams(parameters)}`);
  return page(
    200,
    "The provider has answered",
    `<p><a href="${target}">Go on to end the login</a>.</p>`,
    `<meta http-equiv="refresh" content="0;url=${target}">`,
  );
}
