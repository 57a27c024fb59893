/** One part of a message's content, as MM1 and MM7 both have them. */
export interface Part {
  /** Lower case, without parameters: `image/jpeg`; empty when the sender gave none. */
  readonly type: string
  readonly charset: string | null
  /** Without angle brackets. */
  readonly id: string | null
  readonly location: string | null
  readonly name: string | null
  readonly content: Uint8Array
}

/** A part that is not whole, and why. */
export interface Broken {
  readonly code: string
  readonly detail: string
}

export interface Parts {
  /** In the order they came; multiparts inside multiparts are laid flat. */
  readonly whole: readonly Part[]
  readonly broken: readonly Broken[]
}

/** More than any handset sends; a container of a million empty parts would cost a million objects. */
export const mostParts = 500
/** Multiparts inside multiparts. */
export const deepest = 6

/** `<picture.jpg>` and `cid:picture.jpg` are the same part. */
export function bareId(id: string): string {
  return id.trim().replace(/^cid:/i, '').replace(/^"|"$/g, '').replace(/^<|>$/g, '')
}
