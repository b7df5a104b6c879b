/** RSA keys are made a few at a time: more than there are processors only make each other late. */
import { Slots } from "../base/slots.ts";

const slots = new Slots(Math.max(1, navigator.hardwareConcurrency));

/** Makes one when its turn comes; first come, first served. */
export function inTurn<T>(make: () => Promise<T>): Promise<T> {
  return slots.take(make);
}
