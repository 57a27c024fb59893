/** One way of sending a notice: a leg. `adapter`: its name; for texts any other of the same account will do. */
export interface Way {
  readonly by: 'device' | 'text'
  readonly adapter: string
  /** A device's id, or a subscriber: `tel:+8613800138000`. */
  readonly addressee: string
  /** Without delivery for this long the next way is taken; `null`: it has all the time there is. */
  readonly afterMs: number | null
}
