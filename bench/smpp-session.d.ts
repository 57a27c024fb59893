/** What the bare ESME of the benchmark uses of node-smpp's sessions; the gateway itself uses none of it. */
declare module 'smpp' {
  interface Pdu {
    readonly command_status: number
    response(): Pdu
  }

  interface Session {
    on(event: 'deliver_sm', listener: (pdu: Pdu) => void): void
    on(event: 'connect' | 'close', listener: () => void): void
    on(event: 'error', listener: (error: Error) => void): void
    bind_transceiver(fields: Readonly<Record<string, string>>, answered: (pdu: Pdu) => void): void
    send(pdu: Pdu): boolean
  }

  export function connect(options: { readonly url: string }, connected: () => void): Session
}
