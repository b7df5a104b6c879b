import type { Operation } from "../logical/request.ts";

/** What a rule may grant, each a bit, so that rules merge with one OR. */
export const capabilityBit = {
  create: 1,
  read: 2,
  update: 4,
  patch: 8,
  delete: 16,
  list: 32,
  scan: 64,
  sudo: 128,
  deny: 256,
  subscribe: 512,
  recover: 1024,
} as const;

export type Capability = keyof typeof capabilityBit;

/** Some capabilities at once. */
export type CapabilitySet = number;

const names = Object.keys(capabilityBit).filter(isCapability).sort();

export function isCapability(name: string): name is Capability {
  return Object.hasOwn(capabilityBit, name);
}

/** Joins bits. */
export function capabilitySet(...capabilities: readonly Capability[]): CapabilitySet {
  return capabilities.reduce((set, name) => set | capabilityBit[name], 0);
}

/** Names in a set, sorted. */
export function capabilityNames(set: CapabilitySet): Capability[] {
  return names.filter((name) => (set & capabilityBit[name]) !== 0);
}

/** What an operation needs. Help needs nothing, so it is 0. */
export const neededFor: Readonly<Record<Operation, CapabilitySet>> = {
  create: capabilityBit.create,
  read: capabilityBit.read,
  update: capabilityBit.update,
  patch: capabilityBit.patch,
  delete: capabilityBit.delete,
  list: capabilityBit.list,
  scan: capabilityBit.scan,
  recover: capabilityBit.recover,
  help: 0,
};

/** The words of the first policy language (`policy = "write"`), still accepted. */
export const oldPolicyWords: Readonly<Record<string, CapabilitySet>> = {
  deny: capabilityBit.deny,
  read: capabilitySet("read", "list"),
  write: capabilitySet("create", "read", "update", "delete", "list"),
  sudo: capabilitySet("create", "read", "update", "delete", "list", "sudo"),
};
