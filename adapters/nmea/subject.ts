import type { Talker } from './assembly.ts'
import type { SubjectRule } from './options.ts'

/** Who is talking on a new link: known at once, or after its first line, or nobody that is known. */
export type Introduction = Talker | 'hello' | 'stranger'

export function introduce(rule: SubjectRule, peerAddress: string): Introduction {
  switch (rule.by) {
    case 'fixed':
      return { subject: rule.id }
    case 'peer': {
      const subject = rule.map[plainAddress(peerAddress)]
      return subject === undefined ? 'stranger' : { subject }
    }
    case 'tag':
      return { subjectOf: (source) => named(rule.map, source) }
    case 'hello':
      return 'hello'
  }
}

/** A listener on both families sees IPv4 peers as IPv6. */
export function plainAddress(address: string): string {
  return address.startsWith('::ffff:') ? address.slice(7) : address
}

function named(map: Readonly<Record<string, string>> | null, id: string): string | null {
  return map === null ? id : Object.hasOwn(map, id) ? (map[id] ?? null) : null
}

const longestHello = 128

/** The first line of a connection, which may come in pieces; what follows it belongs to the stream. */
export class Hello {
  readonly #pattern: RegExp
  readonly #map: Readonly<Record<string, string>> | null
  #held = Buffer.alloc(0)

  constructor(rule: Extract<SubjectRule, { by: 'hello' }>) {
    this.#pattern = new RegExp(rule.pattern)
    this.#map = rule.map
  }

  /** `subject` is `null` where the line names nobody that is known. */
  push(chunk: Buffer): 'more' | { readonly subject: string | null; readonly line: string; readonly rest: Buffer } {
    this.#held = Buffer.concat([this.#held, chunk])
    const end = this.#held.findIndex((byte) => byte === 0x0a || byte === 0x0d)
    if (end < 0 && this.#held.length <= longestHello) return 'more'
    const line = this.#held.toString('latin1', 0, end < 0 ? longestHello : Math.min(end, longestHello)).trim()
    if (end < 0 || end > longestHello) return { subject: null, line, rest: Buffer.alloc(0) }
    const id = this.#pattern.exec(line)?.[1]
    return { subject: id === undefined ? null : named(this.#map, id), line, rest: this.#held.subarray(end + 1) }
  }
}
