import { capabilityBit } from "./capability.ts";
import type { ParsedPolicy, PolicyRule } from "./policy.ts";

/** Metadata by key. */
export type SubjectMetadata = Readonly<Record<string, string>>;

/** Whom a templated policy is expanded for. */
export interface PolicySubject {
  /** Absent for tokens without an identity. */
  readonly entity?: {
    readonly id: string;
    readonly name: string;
    readonly metadata: SubjectMetadata;
    readonly aliases: readonly {
      /** Of the auth mount. */
      readonly accessor: string;
      readonly id: string;
      readonly name: string;
      readonly metadata: SubjectMetadata;
      readonly customMetadata: SubjectMetadata;
    }[];
  };
  /** Groups the entity belongs to, inherited ones included; others can't be named. */
  readonly groups: readonly {
    readonly id: string;
    readonly name: string;
    readonly metadata: SubjectMetadata;
  }[];
}

/** What values may bring into a path. Both false unless the policy was written otherwise. */
export interface ExpandOptions {
  /** A value may hold "/", and so reach into other folders. */
  readonly allowSlashes: boolean;
  /** A value may hold `+` or `*`, which then are wildcards. */
  readonly allowWildcards: boolean;
}

/** A rule left out by expansion, for `explain` and the log. */
export interface DroppedRule {
  readonly rule: PolicyRule;
  readonly reason: string;
}

const placeholder = /\{\{([^{}]*)\}\}/g;

/** What is wrong with the braces of a path, or undefined. What is between them is not judged. */
export function templateProblem(path: string): string | undefined {
  const rest = path.replace(placeholder, "");
  if (rest.includes("{{") || rest.includes("}}")) return "unbalanced templating characters";
  return /\{\{\s*\}\}/.test(path) ? "an empty template" : undefined;
}

/**
 * Fills the templates in a policy's paths for one subject. A rule whose template has no value (no
 * entity, not a member, no such metadata) is dropped. So is one whose value holds a slash or a
 * wildcard that `options` forbid; if it denies, everything below its fixed beginning is denied
 * instead, because a hostile name must not switch a deny off.
 */
export function expandTemplates(
  policy: ParsedPolicy,
  subject: PolicySubject,
  options: ExpandOptions = { allowSlashes: false, allowWildcards: false },
): { policy: ParsedPolicy; dropped: DroppedRule[] } {
  const dropped: DroppedRule[] = [];
  if (!policy.templated) return { policy, dropped };
  const rules: PolicyRule[] = [];
  for (const rule of policy.rules) {
    if (!rule.templated) {
      rules.push(rule);
      continue;
    }
    const { path, reason, forbidden } = expandPath(rule.path, subject, options);
    if (path !== undefined) rules.push({ ...rule, path, templated: false });
    else dropped.push({ rule, reason });
    if (forbidden && (rule.capabilities & capabilityBit.deny) !== 0) {
      const fixed = rule.path.slice(0, rule.path.indexOf("{{"));
      rules.push({ ...rule, path: `${fixed}*`, templated: false });
    }
  }
  return { policy: { name: policy.name, rules, templated: false }, dropped };
}

/** A text with its templates filled in; undefined where one has no value, or one that is forbidden. */
export function fillTemplate(
  text: string,
  subject: PolicySubject,
  options: ExpandOptions,
): string | undefined {
  return expandPath(text, subject, options).path;
}

function expandPath(path: string, subject: PolicySubject, options: ExpandOptions) {
  let reason = "";
  let forbidden = false;
  const filled = path.replace(placeholder, (_match, inner: string) => {
    const name = inner.trim();
    const value = templateValue(name, subject);
    if (value === undefined || value === "") reason ||= `${name} has no value`;
    else if (!options.allowSlashes && value.includes("/")) {
      reason ||= `the value of ${name} holds "/"`;
      forbidden = true;
    } else if (!options.allowWildcards && /[+*]/.test(value)) {
      reason ||= `the value of ${name} holds a wildcard`;
      forbidden = true;
    }
    return value ?? "";
  });
  return { path: reason === "" ? filled : undefined, reason, forbidden };
}

function templateValue(name: string, { entity, groups }: PolicySubject): string | undefined {
  if (entity === undefined) return undefined;
  const ofEntity = after(name, "identity.entity.");
  if (ofEntity !== undefined) {
    const ofAlias = after(ofEntity, "aliases.");
    if (ofAlias === undefined) return ofThing(ofEntity, entity);
    const alias = entity.aliases.find(({ accessor }) => ofAlias.startsWith(`${accessor}.`));
    return alias && ofThing(ofAlias.slice(alias.accessor.length + 1), alias);
  }
  const byId = after(name, "identity.groups.ids.");
  if (byId !== undefined) {
    const group = groups.find(({ id }) => byId.startsWith(`${id}.`));
    return group && ofThing(byId.slice(group.id.length + 1), group);
  }
  const byName = after(name, "identity.groups.names.");
  if (byName === undefined) return undefined;
  const group = groups.filter((group) => byName.startsWith(`${group.name}.`))
    .sort((a, b) => b.name.length - a.name.length)[0];
  return group && ofThing(byName.slice(group.name.length + 1), group);
}

interface Thing {
  readonly id: string;
  readonly name: string;
  readonly metadata: SubjectMetadata;
  readonly customMetadata?: SubjectMetadata;
}

function ofThing(field: string, thing: Thing): string | undefined {
  if (field === "id") return thing.id;
  if (field === "name") return thing.name;
  return entry(thing.metadata, after(field, "metadata.")) ??
    entry(thing.customMetadata ?? {}, after(field, "custom_metadata."));
}

function entry(metadata: SubjectMetadata, key: string | undefined): string | undefined {
  return key !== undefined && Object.hasOwn(metadata, key) ? metadata[key] : undefined;
}

function after(text: string, prefix: string): string | undefined {
  return text.startsWith(prefix) ? text.slice(prefix.length) : undefined;
}
