/** Bytes that are appended behind and dropped in front, without copying all of them each time. */
export class GrowingBytes {
  #store = Buffer.alloc(4096)
  #from = 0
  #to = 0

  /** What is held. A view: good until the next `append`. */
  get bytes(): Buffer {
    return this.#store.subarray(this.#from, this.#to)
  }

  append(chunk: Uint8Array): void {
    const length = this.#to - this.#from
    if (this.#to + chunk.length > this.#store.length) {
      const wanted = length + chunk.length
      const roomy = wanted > this.#store.length || wanted * 4 < this.#store.length
      const store = roomy ? Buffer.allocUnsafe(Math.max(4096, wanted * 2)) : this.#store
      this.#store.copy(store, 0, this.#from, this.#to)
      this.#store = store
      this.#from = 0
      this.#to = length
    }
    this.#store.set(chunk, this.#to)
    this.#to += chunk.length
  }

  drop(length: number): void {
    this.#from = Math.min(this.#to, this.#from + Math.max(0, length))
  }

  /** The first line, when it is there with its end and no longer than `most`: its text without the end, its length with it. */
  line(most: number): { readonly text: string; readonly length: number } | null {
    const { bytes } = this
    const end = bytes.indexOf(0x0a)
    if (end < 0 || end > most) return null
    return { text: bytes.toString('latin1', 0, end).replace(/\r$/, ''), length: end + 1 }
  }
}
