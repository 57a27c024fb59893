/**
 * What is used of node-smpp, which has no types of its own. Its two files that open no socket: its sessions are not used,
 * `session.ts` says why.
 */

declare module 'smpp/lib/defs.js' {
  export const commandsById: Readonly<Record<number, { readonly command: string }>>
  export const errors: Readonly<Record<string, number>>
}

declare module 'smpp/lib/pdu.js' {
  export class PDU {
    static maxLength: number
    /** Reads a whole PDU. Throws a RangeError where the body ends inside a number; reads on where it ends inside a text. */
    constructor(pdu: Buffer)
    constructor(command: string, fields?: Readonly<Record<string, unknown>>)
    readonly command: string
    readonly [field: string]: unknown
    /** Only once: its filters change the fields they encode. */
    toBuffer(): Buffer
  }
}
