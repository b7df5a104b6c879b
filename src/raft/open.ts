/** Opens a data directory: locks it, proves that its files fit each other, and leads at once. */
import { fromUtf8, utf8 } from "../base/bytes.ts";
import { sleep } from "../base/clock.ts";
import {
  type Configuration,
  decodeConfiguration,
  encodeConfiguration,
  type Member,
} from "./consensus/configuration.ts";
import { isUpToDate, type PlacedConfiguration } from "./consensus/core.ts";
import { Raft } from "./consensus/raft.ts";
import { generations, readCurrent, stateFileName, writeCurrent } from "./current_file.ts";
import { checkDirectoryFormat, noteDirectoryFormat } from "./directory_format.ts";
import { Driver } from "./driver.ts";
import { Group } from "./group.ts";
import { ELECTION_TICKS, HEARTBEAT_TICKS } from "./timing.ts";
import { AckMarker } from "./ack_marker.ts";
import { finishInstall } from "./state_install.ts";
import { CorruptionError } from "./errors.ts";
import { LogDamage } from "./log_damage.ts";
import { LogDisk } from "./log_disk.ts";
import { EntryType, type LogEntry, type Position } from "./log_entry.ts";
import { CHAIN_START } from "./log_record.ts";
import { Maintenance } from "./maintenance.ts";
import { NodeFile } from "./node_file.ts";
import { readPeers, removePeers } from "./peers_file.ts";
import { openStaged, Replacement, type StagedFiles, stagedGenerations } from "./replacement.ts";
import { RaftStorage } from "./raft_storage.ts";
import { State } from "./state.ts";
import { StateFile, type StateFileOptions } from "./state_file.ts";
import { isGivenUp, readFloor, removeFloor, setAside } from "./state_repair.ts";
import { type RaftStorageOptions, type Settings, withDefaults } from "./store_options.ts";
import { Submitted } from "./submitted.ts";

/** Share of the cache's budget that goes to decoded leaves, which lists and scans live on. */
const LEAF_CACHE_SHARE = 0.375;
/** Between attempts to read old log entries for a follower. */
const FETCH_PAUSE_MS = 100;
/** Recent log entries kept at hand for followers. */
const WINDOW_BYTES = 4 * 1024 * 1024;

/**
 * Opens or creates the storage of a data directory. Throws `StorageLockedError` where another
 * process has it, `CorruptionError` naming the file where something is damaged,
 * `UnknownFormatError` where a later version wrote it.
 */
export async function openRaftStorage(options: RaftStorageOptions): Promise<RaftStorage> {
  const settings = withDefaults(options);
  const { disk } = settings;
  await disk.makeDirectory(`${settings.path}/raft`);
  const opened: { close(): void }[] = [];
  const release = () => {
    for (const each of opened.splice(0).reverse()) each.close();
  };
  const keep = <T extends { close(): void }>(resource: T): T => {
    opened.push(resource);
    return resource;
  };
  try {
    const lock = await disk.lock(settings.path);
    keep({ close: () => lock.release() });
    return await assemble(settings, keep, release);
  } catch (error) {
    release();
    throw error;
  }
}

async function assemble(
  settings: Settings,
  keep: <T extends { close(): void }>(resource: T) => T,
  release: () => void,
): Promise<RaftStorage> {
  const { path, disk } = settings;
  const format = await checkDirectoryFormat(path, disk);
  const nodeFile = keep(await NodeFile.open(`${path}/raft/node.kv`, disk));
  const nodeId = await settleNodeId(settings, nodeFile);
  const file = await openState(settings, nodeId);
  const state = new State(file, settings.cacheBytes * (1 - LEAF_CACHE_SHARE));
  keep({ close: () => state.file.close() });
  const log = keep(await openLog(settings, file));
  const tail = await readTail(log, file);
  const staged = keep(await openStaged(path, tail, file));
  const committed = keep(await AckMarker.open(`${path}/raft/committed`, disk));
  const override = await readPeers(path, nodeId, disk);
  if (override !== undefined) await overridePeers(settings, file, override);
  // What the log says of the membership up to here is not true any more.
  let overriddenTo = override === undefined ? 0 : log.last.index;
  const booted = { settings, nodeId, nodeFile, file, log, tail, committed, staged };
  await noteDirectoryFormat(path, format, disk);
  const raft = await makeRaft({ ...booted, isOverridden: override !== undefined });
  let configuration = file.meta.configuration;
  const setConfiguration = (text: string) => {
    configuration = text;
  };
  const submitted = new Submitted();
  const apply = (entries: readonly LogEntry[]) => {
    for (const { type, payload, index } of entries) {
      if (type === EntryType.changes) state.apply(submitted.changesOf(payload));
      else if (type === EntryType.configuration && index > overriddenTo) {
        configuration = fromUtf8(payload);
        if (overriddenTo > 0) removePeers(path);
        overriddenTo = 0;
      }
    }
    const last = entries.at(-1);
    // A group of one knows it by itself.
    if (last !== undefined && raft.configuration.members.length > 1) committed.note(last);
    maintenance.applied();
  };
  const driver: Driver = new Driver({
    nodeId,
    raft,
    log,
    nodeFile,
    apply,
    replace: (entry) => replacement.replace(entry),
    applied: file.meta.applied.index,
    turn: settings.turn,
    backPressure: (bytes) => maintenance.backPressure(bytes),
    onFatal: settings.onFatal,
    damaged: (error, peer) => damage.met(error, peer),
    pause: () => sleep(settings.clock, FETCH_PAUSE_MS),
    peers: {
      send: (messages) => group.peers.send(messages),
      reads: (reads) => group.peers.reads(reads),
      changed: () => group.peers.changed(),
      failed: () => group.peers.failed(),
    },
  });
  const maintenance: Maintenance = new Maintenance({
    settings,
    state,
    log,
    driver,
    configuration: () => configuration,
    hasPeers: () => raft.configuration.members.length > 1,
    compacted: async (index) => raft.compacted(await log.link(index)),
  });
  const running = { settings, raft, driver, log, state, maintenance };
  const replacement: Replacement = new Replacement(running, staged);
  const parts = { nodeId, ...running, replacement };
  const group: Group = new Group({ ...parts, setConfiguration });
  const damage = new LogDamage({
    log: settings.log,
    handOver: (lacking) => group.handOverWhole(lacking),
  });
  if (override !== undefined) group.affirm();
  if (raft.configuration.members.length === 1) raft.campaign();
  await driver.advance();
  if (settings.alone) await keepAlone(raft, driver);
  group.peers.changed();
  return new RaftStorage({ ...parts, submitted, group, damage, release });
}

/** Takes the membership that an operator has written down. */
async function overridePeers(
  { log }: Settings,
  file: StateFile,
  configuration: Configuration,
): Promise<void> {
  const text = fromUtf8(encodeConfiguration(configuration));
  log.warn("raft/peers.json replaces the membership", { members: text });
  await file.commit([], [], { ...file.meta, configuration: text });
}

/** The node's id: from the file `node-id`, which must agree with the one beside term and vote. */
async function settleNodeId(settings: Settings, nodeFile: NodeFile): Promise<string> {
  const { path, random, disk } = settings;
  const content = await disk.read(`${path}/node-id`);
  const written = content === undefined ? undefined : new TextDecoder().decode(content).trim();
  const known = nodeFile.nodeId;
  if (known !== undefined && written !== undefined && written !== known) {
    throw new CorruptionError(`${path}/node-id is damaged: this is the directory of ${known}`);
  }
  const nodeId = known ?? written ?? settings.nodeId ?? random.uuid();
  if (settings.nodeId !== undefined && settings.nodeId !== nodeId) {
    settings.log.warn("the directory keeps its node id", { nodeId, configured: settings.nodeId });
  }
  if (written === undefined) await disk.replace(path, "node-id", utf8(`${nodeId}\n`));
  if (known === undefined) await nodeFile.save(nodeId, nodeFile.hardState);
  return nodeId;
}

async function openState(settings: Settings, nodeId: string): Promise<StateFile> {
  const { path, sha256, cacheBytes, disk } = settings;
  const fileOptions = (generation: number) => ({
    path: `${path}/${stateFileName(generation)}`,
    sha256,
    leafCacheBytes: cacheBytes * LEAF_CACHE_SHARE,
    turn: settings.turn,
    disk,
  });
  const current = await readCurrent(path, disk);
  const staged = new Set((await stagedGenerations(path, disk)).values());
  // What is not in use was being written when the process died, or was about to be removed.
  for (const generation of await generations(path, disk)) {
    if (current !== undefined && generation !== current && !staged.has(generation)) {
      await disk.removeKv(fileOptions(generation).path);
    }
  }
  if (current !== undefined) {
    try {
      if (settings.repair && await isGivenUp(path, stateFileName(current), disk)) {
        throw new CorruptionError(`${fileOptions(current).path} was being given up`);
      }
      return await StateFile.open(fileOptions(current));
    } catch (error) {
      if (!(error instanceof CorruptionError) || !settings.repair) throw error;
      const { clock, log, segmentBytes } = settings;
      const logOptions = { directory: `${path}/raft`, clock, log, segmentBytes, disk };
      const at = await setAside(path, stateFileName(current), logOptions);
      log.error("the state is damaged and is fetched anew from the group", {
        error: error.message,
        set_aside: at,
      });
    }
    const next = Math.max(current, ...await generations(path, disk)) + 1;
    return await emptyState(fileOptions(next), next, settings, []);
  }
  for (const name of await disk.names(`${path}/raft`)) {
    if (name.startsWith("log-")) throw new CorruptionError(`${path}/CURRENT is missing`);
  }
  const members = settings.bootstrap ? [{ id: nodeId, address: "", voter: true }] : [];
  return await emptyState(fileOptions(1), 1, settings, members);
}

/** Makes the state of a node that has none, and makes it the one in use. */
async function emptyState(
  options: StateFileOptions,
  generation: number,
  { path, disk }: Settings,
  members: readonly Member[],
): Promise<StateFile> {
  await disk.removeKv(options.path);
  const file = await StateFile.create(options, {
    applied: CHAIN_START,
    hash: new Uint8Array(32),
    entries: 0,
    bytes: 0,
    nextValueId: 1,
    configuration: fromUtf8(encodeConfiguration({ members })),
  });
  await writeCurrent(path, generation, disk);
  return file;
}

async function openLog(settings: Settings, file: StateFile) {
  const { path, clock, log, segmentBytes, disk, sha256 } = settings;
  const directory = `${path}/raft`;
  const { applied } = file.meta;
  const options = { directory, clock, log, segmentBytes, disk, sha256 };
  const entries = await LogDisk.open(options, applied);
  try {
    await finishInstall(path, entries, file);
    if (entries.firstIndex > applied.index + 1) {
      throw new CorruptionError(
        `${file.path} holds the state up to log entry ${applied.index}, the log in ${directory} ` +
          `starts at ${entries.firstIndex}`,
      );
    }
    if (entries.last.index < applied.index) {
      throw new CorruptionError(
        `the log in ${directory} ends at entry ${entries.last.index}, ${file.path} holds the state ` +
          `up to ${applied.index}`,
      );
    }
    return entries;
  } catch (error) {
    entries.close();
    throw error;
  }
}

/** The entries that the state file does not hold yet. */
async function readTail(log: LogDisk, file: StateFile): Promise<LogEntry[]> {
  const tail: LogEntry[] = [];
  for await (const page of log.read(file.meta.applied.index + 1, log.last.index)) {
    tail.push(...page);
  }
  return tail;
}

async function makeRaft(
  { settings, nodeId, nodeFile, file, log, tail, committed, staged, isOverridden }: {
    readonly settings: Settings;
    readonly nodeId: string;
    readonly nodeFile: NodeFile;
    readonly file: StateFile;
    readonly log: LogDisk;
    readonly tail: readonly LogEntry[];
    readonly committed: AckMarker;
    readonly staged: StagedFiles;
    /** Whether the membership of the state file counts more than what the log says after it. */
    readonly isOverridden: boolean;
  },
): Promise<Raft> {
  const { applied, configuration } = file.meta;
  const configurations: PlacedConfiguration[] = [
    { index: applied.index, configuration: decodeConfiguration(utf8(configuration)) },
  ];
  for (const { type, index, payload } of tail) {
    if (type !== EntryType.configuration || isOverridden) continue;
    configurations.push({ index, configuration: decodeConfiguration(payload) });
  }
  // Only a member stands for election, so this one was a member: its membership is lost.
  const isMember = configurations.some(({ configuration }) => configuration.members.length > 0);
  const floor = await floorOf(settings, log);
  if (!isMember && floor === undefined && nodeFile.hardState.vote === nodeId) {
    throw new CorruptionError(
      `${settings.path}/raft: the state file is damaged: it holds no membership any more`,
    );
  }
  const commit = knownCommit(applied.index, tail, committed);
  while ((configurations[1]?.index ?? Infinity) <= commit) configurations.shift();
  if (settings.alone) leaveOthers(configurations, nodeId);
  const base = await log.link(log.firstIndex - 1);
  const random = (bound: number) => {
    const [a = 0, b = 0, c = 0] = settings.random.bytes(3);
    return ((a << 16) | (b << 8) | c) % bound;
  };
  return new Raft({
    settings: {
      id: nodeId,
      electionTicks: ELECTION_TICKS,
      heartbeatTicks: HEARTBEAT_TICKS,
      appendEntriesMax: 256,
      inflightMax: 64,
      random,
      accepts: (entry) => staged.accepts(entry),
      ...(floor === undefined ? {} : { floor }),
    },
    hardState: nodeFile.hardState,
    log: { base, runs: await log.termRuns(), lastIndex: log.last.index, tail },
    configurations,
    commit,
    windowBytes: WINDOW_BYTES,
    replacedAt: file.meta.replacedAt ?? 0,
  });
}

/** How far the log must go again before this node votes. */
async function floorOf({ path, disk }: Settings, log: LogDisk): Promise<Position | undefined> {
  const floor = await readFloor(path, disk);
  if (floor === undefined || !isUpToDate(log.last, floor)) return floor;
  await removeFloor(path, disk);
  return undefined;
}

/**
 * The group shrinks to this node, whatever the others think: they must join again. What the log
 * holds and was not known to be committed counts as committed then.
 */
function leaveOthers(configurations: PlacedConfiguration[], nodeId: string): void {
  const [first] = configurations;
  const members = configurations.at(-1)?.configuration.members ?? [];
  if (first === undefined || members.length === 0) return;
  const own = members.find(({ id }) => id === nodeId) ?? { id: nodeId, address: "" };
  const configuration = { members: [{ id: nodeId, address: own.address, voter: true }] };
  configurations.splice(0, Infinity, { index: first.index, configuration });
}

/** Writes it into the log, so that the next start knows it too. */
async function keepAlone(raft: Raft, driver: Driver): Promise<void> {
  const { configuration } = raft;
  if (configuration.members.length !== 1) return;
  const payload = encodeConfiguration(configuration);
  await driver.ask(() => raft.propose([{ type: EntryType.configuration, payload }]));
}

/** What was committed when this was last noted; what is committed stays so in this log. */
function knownCommit(applied: number, tail: readonly LogEntry[], { found }: AckMarker): number {
  if (found === undefined || found.index <= applied) return applied;
  const entry = tail[found.index - applied - 1];
  return entry?.term === found.term ? found.index : applied;
}
