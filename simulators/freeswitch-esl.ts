import type { AddressInfo } from 'node:net'
import { createServer, type Server, type Socket } from 'node:net'
import { type EventFormat, writeEvent } from '../adapters/freeswitch/esl-event.ts'
import { frame } from '../adapters/freeswitch/esl-frame.ts'

/** An Event Socket as mod_event_socket opens it: one password, commands ended by an empty line, events to who asked for them. */
export class EslServer {
  /** Rows of `show channels`. */
  channels: () => readonly Readonly<Record<string, string>>[] = () => []
  /** What each client asked for, for whoever looks. */
  readonly commands: string[] = []
  /** Nothing is said any more, not even to commands. */
  silent = false
  /** Every address is sent away. */
  rude = false
  readonly #password: string
  readonly #clients = new Map<Socket, Client>()
  readonly #server: Server

  constructor(password: string) {
    this.#password = password
    this.#server = createServer((socket) => this.#connected(socket))
  }

  async listen(port: number): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(port, '127.0.0.1', resolve)
    })
    return (this.#server.address() as AddressInfo).port
  }

  /** Clients that events go to. */
  get listeners(): number {
    return [...this.#clients.values()].filter(({ format }) => format !== null).length
  }

  send(event: Readonly<Record<string, string>>): void {
    const named = event['Event-Name'] ?? ''
    for (const [socket, { format, events }] of this.#clients) {
      if (format === null || this.silent || !(events.has('ALL') || events.has(named))) continue
      socket.write(frame({ 'Content-Type': `text/event-${format}` }, writeEvent(format, event)))
    }
  }

  /** Bytes as they are, to every client. */
  write(bytes: string | Uint8Array): void {
    for (const socket of this.#clients.keys()) socket.write(bytes)
  }

  /** Cuts every connection, with a notice or without a word. */
  cut(notice: string | null = null): void {
    for (const socket of this.#clients.keys()) {
      if (notice === null) socket.destroy()
      else socket.end(frame({ 'Content-Type': 'text/disconnect-notice' }, notice))
    }
  }

  async close(): Promise<void> {
    for (const socket of this.#clients.keys()) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #connected(socket: Socket): void {
    const client: Client = { known: false, format: null, events: new Set(), held: '' }
    this.#clients.set(socket, client)
    socket.on('error', () => {})
    socket.once('close', () => this.#clients.delete(socket))
    if (this.rude) {
      socket.end(frame({ 'Content-Type': 'text/rude-rejection' }, 'Access Denied, go away.\n'))
      return
    }
    if (!this.silent) socket.write(frame({ 'Content-Type': 'auth/request' }))
    socket.setEncoding('utf8').on('data', (text: string) => {
      client.held += text
      for (let end = client.held.indexOf('\n\n'); end >= 0; end = client.held.indexOf('\n\n')) {
        const command = client.held.slice(0, end).trim()
        client.held = client.held.slice(end + 2)
        if (command !== '' && !this.silent) this.#command(socket, client, command)
      }
    })
  }

  #command(socket: Socket, client: Client, command: string): void {
    this.commands.push(command.replace(/^auth .*/, 'auth'))
    const reply = (text: string) => socket.write(frame({ 'Content-Type': 'command/reply', 'Reply-Text': text }))
    const [word = '', ...rest] = command.split(/\s+/)
    if (word === 'auth') {
      client.known = rest.join(' ') === this.#password
      if (client.known) reply('+OK accepted')
      else socket.end(frame({ 'Content-Type': 'command/reply', 'Reply-Text': '-ERR invalid' }))
    } else if (word === 'exit') {
      reply('+OK bye')
      socket.end(frame({ 'Content-Type': 'text/disconnect-notice' }, 'Disconnected, goodbye.\n'))
    } else if (!client.known) reply('-ERR command not found')
    else if (word === 'event') {
      const [format = 'plain', ...names] = rest
      client.format = format === 'json' ? 'json' : 'plain'
      for (const name of names) client.events.add(name.toUpperCase())
      reply(`+OK event listener enabled ${client.format}`)
    } else if (word === 'api') socket.write(frame({ 'Content-Type': 'api/response' }, this.#api(rest.join(' '))))
    else reply('-ERR command not found')
  }

  #api(command: string): string {
    if (command === 'status') return 'UP 0 years, 0 days, 1 hour\n'
    if (command !== 'show channels as json') return `-ERR ${command} Command not found!\n`
    const rows = this.channels()
    return rows.length === 0 ? '{"row_count": 0}\n' : JSON.stringify({ row_count: rows.length, rows })
  }
}

interface Client {
  known: boolean
  format: EventFormat | null
  readonly events: Set<string>
  held: string
}
