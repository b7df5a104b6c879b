/** Times of day and week in cron's notation, always in UTC. */
import { badRequest, describeError } from "../../base/failure.ts";

/**
 * The first time after `after` that a schedule of five parts names, milliseconds since the epoch.
 * Throws a 400 for a schedule that is none, or never comes.
 */
export async function nextTime(schedule: string, after: number): Promise<number> {
  const { Cron } = await import("croner");
  let next: Date | null;
  try {
    const cron = new Cron(schedule, { timezone: "UTC", mode: "5-part", paused: true });
    next = cron.nextRun(new Date(after));
  } catch (error) {
    throw badRequest(`rotation_schedule is no cron schedule: ${describeError(error)}`, error);
  }
  if (next === null) throw badRequest("rotation_schedule names a time that never comes");
  return next.getTime();
}
