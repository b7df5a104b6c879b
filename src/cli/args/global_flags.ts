/** Flags that every command with the same need shares. */
import { bool, duration, type Flag, list, text } from "./flag.ts";

/** How to reach a node and what to send along. */
export const httpFlags: readonly Flag[] = [
  text("address", "Where the node listens: http://…, https://… or unix:///path.", {
    fallback: "https://127.0.0.1:8200",
    env: ["VAULT_ADDR"],
    placeholder: "url",
  }),
  text("agent-address", "Address of a local agent, used in place of -address.", {
    env: ["VAULT_AGENT_ADDR"],
    placeholder: "url",
  }),
  text(
    "ca-cert",
    "File with the CA certificate (PEM) that the node's certificate must go back to.",
    {
      env: ["VAULT_CACERT"],
      placeholder: "file",
    },
  ),
  text("ca-path", "Directory of CA certificates (PEM) to trust. -ca-cert goes first.", {
    env: ["VAULT_CAPATH"],
    placeholder: "directory",
  }),
  text("client-cert", "File with the certificate (PEM) to show to the node. Needs -client-key.", {
    env: ["VAULT_CLIENT_CERT"],
    placeholder: "file",
  }),
  text("client-key", "File with the private key (PEM) of -client-cert.", {
    env: ["VAULT_CLIENT_KEY"],
    placeholder: "file",
  }),
  bool("disable-redirects", "Do not follow a redirect, as from a standby to the active node.", {
    env: ["VAULT_DISABLE_REDIRECTS"],
  }),
  list("header", "Extra header for every request, as name=value. May be repeated.", {
    placeholder: "name=value",
  }),
  list("mfa", "Credentials of a second factor, as method:passcode. May be repeated.", {
    env: ["VAULT_MFA"],
  }),
  text("namespace", "Namespace to work in.", {
    env: ["VAULT_NAMESPACE"],
    aliases: ["ns"],
    placeholder: "path",
  }),
  bool("non-interactive", "Never ask on the terminal; fail where an answer would be needed."),
  bool("output-curl-string", "Print a curl command for the request in place of sending it."),
  bool("output-policy", "Print the policy that allows the request in place of sending it."),
  bool("policy-override", "Override a policy that allows to be overridden."),
  text("tls-server-name", "Name to expect in the node's certificate, and to ask for (SNI).", {
    env: ["VAULT_TLS_SERVER_NAME"],
    placeholder: "name",
  }),
  bool("tls-skip-verify", "Accept any certificate. Whoever is in between can then read it all.", {
    env: ["VAULT_SKIP_VERIFY"],
  }),
  text("unlock-key", "Key that opens a locked namespace."),
  duration("wrap-ttl", "Wrap the answer; its single-use token lives this long.", {
    env: ["VAULT_WRAP_TTL"],
  }),
];

export const formatFlag: Flag = text(
  "format",
  'How to print the answer: "table", "json", "yaml" or "pretty"; "raw" for `read` alone.',
  { fallback: "table", env: ["VAULT_FORMAT"] },
);

export const fieldFlag: Flag = text(
  "field",
  "Print the value of this field alone, without a line break behind it.",
);

export const detailedFlag: Flag = bool("detailed", "Print more about each item.", {
  env: ["VAULT_DETAILED"],
});
