import { type Notification, writeNotification } from '../adapters/onvif/notification.ts'
import { durationMs, timeOf } from '../adapters/onvif/times.ts'

/** What a device keeps of who listens to it: queues, their ends, and how each of them dies. */

export interface Listening {
  readonly id: string
  /** Where notifications are posted; `null`: they are pulled. */
  readonly consumer: string | null
  readonly queue: string[]
  endsAt: number
  /** `deaf`: it answers and is told nothing more, as if the device had forgotten whom to tell. */
  state: 'alive' | 'deaf'
  wake: () => void
}

export class Subscriptions {
  readonly #byId = new Map<string, Listening>()
  #made = 0

  get size(): number {
    return this.#byId.size
  }

  add(consumer: string | null, lifetimeMs: number): Listening {
    const one: Listening = {
      id: String(++this.#made),
      consumer,
      queue: [],
      endsAt: Date.now() + lifetimeMs,
      state: 'alive',
      wake: () => {},
    }
    this.#byId.set(one.id, one)
    return one
  }

  /** `undefined`: there is none, or its time is over. */
  find(id: string): Listening | undefined {
    const one = this.#byId.get(id)
    if (one === undefined || one.endsAt > Date.now()) return one
    this.drop(one)
    return undefined
  }

  drop(one: Listening): void {
    this.#byId.delete(one.id)
    one.wake()
  }

  forgetAll(): void {
    for (const one of this.#byId.values()) this.drop(one)
  }

  deafenAll(): void {
    for (const one of this.#byId.values()) one.state = 'deaf'
  }

  /** Those that are told of it. */
  tell(notification: Notification): Listening[] {
    const told = [...this.#byId.values()].filter((one) => one.state === 'alive' && one.endsAt > Date.now())
    for (const one of told) {
      one.queue.push(writeNotification(notification))
      one.wake()
    }
    return told
  }
}

/** Resolves when something is in the queue, it is dropped, or `ms` have passed. */
export function untilTold(one: Listening, ms: number, gone: AbortSignal): Promise<void> {
  if (one.queue.length > 0) return Promise.resolve()
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer)
      gone.removeEventListener('abort', done)
      one.wake = () => {}
      resolve()
    }
    const timer = setTimeout(done, ms)
    gone.addEventListener('abort', done, { once: true })
    if (gone.aborted) done()
    else one.wake = done
  })
}

/** A duration or a dateTime of the device's clock. */
export function lifetimeOf(text: string | null, now: Date, otherwiseMs: number): number {
  if (text === null) return otherwiseMs
  return durationMs(text) ?? (timeOf(text)?.getTime() ?? now.getTime() + otherwiseMs) - now.getTime()
}
