/**
 * Names by their characters, or by any other units of 16 bits. One hash table of transitions in typed arrays: a city's
 * hundred thousand names take a few megabytes, and a step costs no allocation.
 */
export class NameTrie {
  readonly #mask: number
  readonly #from: Int32Array
  readonly #unit: Uint16Array
  readonly #to: Int32Array
  readonly #values: Int32Array

  /** Equal names share a value: the index of their first occurrence. */
  constructor(names: readonly ArrayLike<number>[]) {
    const most = names.reduce((sum, name) => sum + name.length, 0)
    const capacity = 2 ** Math.ceil(Math.log2(most * 2 + 2))
    this.#mask = capacity - 1
    this.#from = new Int32Array(capacity)
    this.#unit = new Uint16Array(capacity)
    this.#to = new Int32Array(capacity)
    const values = [-1]
    for (const [index, name] of names.entries()) {
      let node = 0
      for (let i = 0; i < name.length; i++) {
        const slot = this.#slot(node, name[i] as number)
        if (this.#to[slot] === 0) {
          this.#from[slot] = node
          this.#unit[slot] = name[i] as number
          this.#to[slot] = values.push(-1) - 1
        }
        node = this.#to[slot] as number
      }
      if (values[node] === -1 && node > 0) values[node] = index
    }
    this.#values = Int32Array.from(values)
  }

  /** The node behind a unit; 0, which is the root and behind nothing, when no name goes on like this. */
  next(node: number, unit: number): number {
    return this.#to[this.#slot(node, unit)] as number
  }

  /** Index of the name that ends here, or -1. */
  valueAt(node: number): number {
    return this.#values[node] as number
  }

  #slot(node: number, unit: number): number {
    let slot = (Math.imul(node, 0x9e3779b1) ^ Math.imul(unit, 0x85ebca6b)) >>> 0
    slot = (slot ^ (slot >>> 15)) & this.#mask
    while (this.#to[slot] !== 0 && (this.#from[slot] !== node || this.#unit[slot] !== unit)) {
      slot = (slot + 1) & this.#mask
    }
    return slot
  }
}

export function unitsOf(text: string): Uint16Array {
  return Uint16Array.from(text, (_, i) => text.charCodeAt(i)).subarray(0, text.length)
}
