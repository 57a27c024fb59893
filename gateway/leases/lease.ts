/** A lease that is held. */
export interface Held {
  /** Aborts when it may soon be another gateway's: what it stands for ends now, within `stopMs`. */
  readonly lost: AbortSignal
}

export interface Waiting {
  /** Whoever waits gives up. */
  readonly signal: AbortSignal
  /** Called at each look while another has it: that gateway's name, and since when. */
  elsewhere(holder: string, since: Date): void
  /** The database does not say. */
  unknown(reason: string): void
}

/** One lease, as the supervisor of an adapter sees it. */
export interface Lease {
  /** Resolves when it is had; with null when the signal aborts first. */
  take(waiting: Waiting): Promise<Held | null>
  /** Gives it back: another may have it at once. Only when nothing is done under it any more. Never rejects. */
  release(): Promise<void>
}

/**
 * A lease lasts 6 s in the database from its last renewal; its holder counts 4 s from before it sent that, and has 2 s to
 * stop. Looks come every second, so work moves within 7 s of its holder's last renewal, and the time to start it.
 */
export const leaseMs = 6000
export const fenceMs = 4000
export const beatMs = 1000
/** A statement that takes longer is given up, so that another can be tried before the fence. */
export const statementMs = 1500
