/** Work in the background that an active node must get done, however often something breaks it off. */
import { describeError } from "../base/failure.ts";
import type { Services } from "./services.ts";

/** Before what was broken off, by a full disk for instance, is begun again. */
const pauseMs = 10_000;

/**
 * Begins the work, and again after a pause where it fails. What it returns asks for it once more, or
 * for another time after the one under way. A node that seals in the middle begins again at its next
 * unseal; `work` must stop by itself once `services.expiration.isStopped`.
 */
export function persist(services: Services, name: string, work: () => Promise<void>): () => void {
  const { clock, log } = services.mounts.platform;
  let isRunning = false;
  let isAsked = false;
  const run = async (): Promise<void> => {
    isAsked = true;
    if (isRunning || services.expiration.isStopped) return;
    isRunning = true;
    try {
      do {
        isAsked = false;
        await work();
      } while (isAsked);
    } catch (error) {
      if (services.expiration.isStopped) return;
      log.warn("work in the background was broken off; it goes on later", {
        work: name,
        error: describeError(error),
      });
      clock.after(pauseMs, () => void run());
    } finally {
      isRunning = false;
    }
  };
  void run();
  return () => void run();
}
