/** When passwords are changed by themselves: after a period, or by a schedule. */
import { badRequest } from "../../base/failure.ts";
import { field } from "../../backend/field.ts";
import type { JsonObject } from "../../logical/json.ts";
import { nextTime } from "./cron.ts";

export interface RotationTimes {
  /** Seconds; 0 where a schedule tells when, or nothing does. */
  readonly rotationPeriod: number;
  /** In cron's notation, UTC; "" where there is a period. */
  readonly rotationSchedule: string;
  /** Seconds after a scheduled time in which it may still be made good; 0 for always. */
  readonly rotationWindow: number;
}

export const noRotation: RotationTimes = {
  rotationPeriod: 0,
  rotationSchedule: "",
  rotationWindow: 0,
};

export const timesFields = {
  rotation_period: field.duration("Seconds between two changes."),
  rotation_schedule: field.string("When to change it, in cron's notation and UTC, not a period."),
  rotation_window: field.duration("Seconds after a scheduled time in which it may be done."),
};

type TimesInput = { readonly [K in keyof typeof timesFields]: (typeof timesFields)[K]["default"] };

/** Seconds; what is shorter would change passwords under the hands of those who read them. */
const shortestPeriod = 5;
/** A window that is shorter would be missed by a restart. */
const shortestWindow = 3_600;

/** What is given of period and schedule takes the other's place. Throws a 400. */
export function readTimes(
  { rotation_period: period, rotation_schedule: schedule, rotation_window: window }: TimesInput,
  before: RotationTimes = noRotation,
): RotationTimes {
  if (period && schedule) {
    throw badRequest("rotation_period and rotation_schedule are mutually exclusive");
  }
  const rotationSchedule = period ? "" : schedule ?? before.rotationSchedule;
  if (rotationSchedule !== "") {
    const rotationWindow = window ?? before.rotationWindow;
    if (rotationWindow !== 0 && rotationWindow < shortestWindow) {
      throw badRequest(`rotation_window must be ${shortestWindow} seconds or more`);
    }
    return { rotationPeriod: 0, rotationSchedule, rotationWindow };
  }
  if (window) throw badRequest("rotation_window needs a rotation_schedule");
  const rotationPeriod = period ?? before.rotationPeriod;
  if (rotationPeriod !== 0 && rotationPeriod < shortestPeriod) {
    throw badRequest(`rotation_period must be ${shortestPeriod} seconds or more`);
  }
  return { rotationPeriod, rotationSchedule: "", rotationWindow: 0 };
}

/** Whether anything tells when. */
export function rotates({ rotationPeriod, rotationSchedule }: RotationTimes): boolean {
  return rotationPeriod !== 0 || rotationSchedule !== "";
}

/** When a password that was changed at `last` is to be changed next. Throws a 400. */
export async function rotationAfter(
  last: number,
  { rotationSchedule, rotationPeriod }: RotationTimes,
): Promise<number> {
  if (rotationSchedule !== "") return await nextTime(rotationSchedule, last);
  return last + rotationPeriod * 1000;
}

/** Whether the window of a scheduled time is over. */
export function isMissed(
  { rotationWindow, nextRotation }: RotationTimes & { readonly nextRotation: number },
  now: number,
): boolean {
  return rotationWindow > 0 && now > nextRotation + rotationWindow * 1000;
}

export function timesBody(times: RotationTimes): JsonObject {
  const { rotationPeriod, rotationSchedule, rotationWindow } = times;
  if (rotationSchedule === "") return { rotation_period: rotationPeriod };
  return {
    rotation_schedule: rotationSchedule,
    ...(rotationWindow === 0 ? {} : { rotation_window: rotationWindow }),
  };
}
