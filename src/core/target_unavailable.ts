/** Whoever must take a secret back does not answer: what is wrong is not this one lease's. */
export class TargetUnavailable extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "TargetUnavailable";
  }
}
