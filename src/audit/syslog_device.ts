/**
 * Audit lines to the system's log, as syslog(3) sends them. A line that is longer than one message
 * may be is sent as several, each with its number, and none is cut off.
 */
import type { Clock } from "../base/clock.ts";
import { badRequest, describeError } from "../base/failure.ts";
import type { AuditDevice, DeviceOpener } from "./device.ts";
import { refuseUnknown } from "./options.ts";
import { type Link, SocketDevice } from "./socket_device.ts";

const facilities: Readonly<Record<string, number>> = {
  KERN: 0,
  USER: 1,
  MAIL: 2,
  DAEMON: 3,
  AUTH: 4,
  SYSLOG: 5,
  LPR: 6,
  NEWS: 7,
  UUCP: 8,
  CRON: 9,
  AUTHPRIV: 10,
  FTP: 11,
  ...Object.fromEntries(Array.from({ length: 8 }, (_, i) => [`LOCAL${i}`, 16 + i])),
};

const severityInfo = 6;

/** Characters of a line in one message; journald takes 48 KiB, rsyslog 8 KiB unless told. */
const messageMaxDefault = 8000;
const messageMaxLeast = 480;

const ownOptions = ["facility", "tag", "max_message_size"];
const sendTimeoutMs = 2000;

const months = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");

/** `Jan  2 15:04:05`, the form of RFC 3164. */
function timestamp(date: Date): string {
  const two = (value: number) => String(value).padStart(2, "0");
  const day = String(date.getDate()).padStart(2, " ");
  const time = [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(":");
  return `${months[date.getMonth()]} ${day} ${time}`;
}

/** A line in pieces of at most `max` characters, each beginning with `[2/3] ` where it is one of several. */
export function pieces(line: string, max: number): string[] {
  if (line.length <= max) return [line];
  const count = Math.ceil(line.length / max);
  return Array.from(
    { length: count },
    (_, i) => `[${i + 1}/${count}] ${line.slice(i * max, (i + 1) * max)}`,
  );
}

export class SyslogDevice implements AuditDevice {
  readonly #socket: SocketDevice;

  constructor(
    connect: () => Promise<Link>,
    readonly settings: {
      readonly priority: number;
      readonly tag: string;
      readonly processId: number;
      readonly messageMax: number;
    },
    readonly clock: Clock,
  ) {
    this.#socket = new SocketDevice(connect, true, sendTimeoutMs, clock);
  }

  async write(lines: readonly string[]): Promise<void> {
    const { priority, tag, processId, messageMax } = this.settings;
    const head = `<${priority}>${timestamp(new Date(this.clock.now()))} ${tag}[${processId}]: `;
    const messages = lines.flatMap((line) => pieces(line.trimEnd(), messageMax));
    await this.#socket.write(messages.map((message) => head + message));
  }

  reopen(): Promise<void> {
    return this.#socket.reopen();
  }

  close(): Promise<void> {
    return this.#socket.close();
  }
}

/** `connect` opens the local socket of the system's log. */
export function syslogDevices(
  connect: () => Promise<Link>,
  clock: Clock,
  processId: number,
): DeviceOpener {
  return async (options) => {
    refuseUnknown(options, ownOptions);
    const { facility = "", tag = "", max_message_size = "" } = options;
    const number = facilities[(facility || "AUTH").toUpperCase()];
    if (number === undefined) throw badRequest(`unknown facility ${JSON.stringify(facility)}`);
    if (!/^[!-~]{0,32}$/.test(tag)) {
      throw badRequest("tag must be at most 32 visible ASCII characters");
    }
    const messageMax = Number(max_message_size || messageMaxDefault);
    if (!Number.isInteger(messageMax) || messageMax < messageMaxLeast || messageMax > 200_000) {
      throw badRequest(`max_message_size must be ${messageMaxLeast} to 200000`);
    }
    const priority = number * 8 + severityInfo;
    const settings = { priority, tag: tag || "vault", processId, messageMax };
    const device = new SyslogDevice(connect, settings, clock);
    try {
      await device.reopen();
      return device;
    } catch (cause) {
      throw badRequest(`the system's log can't be reached: ${describeError(cause)}`, cause);
    }
  };
}
