export interface MotionTally {
  readonly events: number
  readonly posts: number
}

/** motion's hooks as motion.conf has them: an event with its picture. It counts from 1 after each start, as motion does. */
export class SimulatedMotion {
  readonly #address: string
  readonly #key: string
  #number = 0
  #posts = 0
  #events = 0

  /** `address`: `http://127.0.0.1:8080/ingest/yard`. */
  constructor(address: string, key: string) {
    this.#address = address
    this.#key = key
  }

  get tally(): MotionTally {
    return { events: this.#events, posts: this.#posts }
  }

  restart(): void {
    this.#number = 0
  }

  /** Rejects when the gateway does not take it. */
  async event(camera: string, picture: Buffer | null, at = new Date(), lastsMs = 3000): Promise<void> {
    this.#events++
    const event = String(++this.#number).padStart(2, '0')
    const began = at.toISOString().replace(/\D/g, '').slice(0, 14)
    const fields = { camera, event, began }
    await this.hook({ hook: 'event_start', ...fields, time: timeOf(at), pixels: '2400' }, null)
    if (picture !== null)
      await this.hook({ hook: 'picture_save', ...fields, time: timeOf(at), file: `${event}.jpg` }, picture)
    await this.hook({ hook: 'event_end', ...fields, time: timeOf(new Date(at.getTime() + lastsMs)) }, null)
  }

  async hook(fields: Readonly<Record<string, string>>, body: Buffer | null): Promise<void> {
    this.#posts++
    const address = `${this.#address}?${new URLSearchParams({ key: this.#key, ...fields })}`
    // curl says so of every body that it is given no type for.
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    const answer = await fetch(address, {
      method: 'POST',
      ...(body !== null && { headers, body: new Uint8Array(body) }),
    })
    await answer.arrayBuffer()
    if (answer.status !== 200) throw new Error(`the gateway answers ${answer.status}`)
  }
}

const timeOf = (at: Date): string => `${at.toISOString().slice(0, 19)}+0000`
