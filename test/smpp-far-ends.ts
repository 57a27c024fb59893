import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { describe } from '../gateway/errors.ts'
import { until } from './smpp-link-stage.ts'

/** Far ends that nobody here wrote: Kannel, its opensmppbox, Perl's Net::SMPP. Each ends with its test, by its process. */

/** Whether programs are there; the reason for skipping otherwise. */
export function missing(...programs: string[]): string | false {
  const absent = programs.find((program) => !(program.startsWith('/') ? existsSync(program) : found(program)))
  return absent === undefined ? false : `${absent} is not installed`
}

function found(program: string): boolean {
  try {
    execFileSync('which', [program], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** Whether Perl has the module; the reason for skipping otherwise. */
export function missingPerl(module: string): string | false {
  try {
    execFileSync('perl', [`-M${module}`, '-e', '1'], { stdio: 'ignore' })
    return false
  } catch (error) {
    return `Perl has no ${module} (${describe(error).split('\n', 1)[0]})`
  }
}

export interface Program {
  readonly said: () => string
  /** The exit code when it has ended by itself. */
  readonly ended: Promise<number | null>
  end(): Promise<void>
}

export function launch(t: Test, program: string, args: readonly string[]): Program {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk) => {
      said += String(chunk)
    })
  const ended = once(child, 'exit').then(([code]) => code as number | null)
  const end = () => endOf(child)
  t.teardown(end)
  return { said: () => said, ended, end }
}

async function endOf(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGTERM')
  AbortSignal.timeout(10_000).addEventListener('abort', () => child.kill('SIGKILL'))
  await exited
}

export async function freePort(): Promise<number> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** Waits until somebody listens there. */
export async function listening(port: number): Promise<void> {
  let open = false
  const knock = () => {
    const socket = connect(port, '127.0.0.1', () => {
      open = true
      socket.destroy()
    })
    socket.on('error', () => {})
  }
  await until(`somebody listens on ${port}`, () => {
    knock()
    return open
  })
}

export function folderFor(t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'smpp-far-end-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** A field of a query octet by octet: Kannel puts what came in UCS-2 there as it came. */
function octetsOf(url: string, name: string): string {
  const written = new RegExp(`[?&]${name}=([^&]*)`).exec(url)?.[1] ?? ''
  return written
    .replaceAll('+', ' ')
    .replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
}

/** An HTTP server that Kannel hands every text to that it takes in UCS-2. */
export async function textSink(
  t: Test,
): Promise<{ port: number; texts: { from: string; to: string; text: string }[] }> {
  const texts: { from: string; to: string; text: string }[] = []
  const server = createHttpServer((request, response) => {
    const [from = '', to = '', text = ''] = ['from', 'to', 'text'].map((name) => octetsOf(request.url ?? '', name))
    texts.push({ from, to, text: Buffer.from(text, 'latin1').swap16().toString('utf16le') })
    response.end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => new Promise<void>((resolve) => server.close(() => resolve())))
  return { port: (server.address() as AddressInfo).port, texts }
}

export interface Kannel {
  /** Texts that subscribers were sent. */
  readonly sink: Awaited<ReturnType<typeof textSink>>
  /** Has it send a text, as `from`, in UCS-2. */
  send(text: { from: string; to: string; text: string }): Promise<string>
}

/** Kannel's bearerbox bound to a port as an ESME, with a smsbox that takes texts from HTTP and hands them on over it. */
export async function kannelBoundTo(t: Test, port: number, password: string): Promise<Kannel> {
  const folder = folderFor(t)
  const sink = await textSink(t)
  const [admin, boxes, sendsms] = [await freePort(), await freePort(), await freePort()]
  const file = join(folder, 'kannel.conf')
  const groups = [
    [
      'core',
      `admin-port = ${admin}`,
      'admin-interface = 127.0.0.1',
      'admin-password = wuhou',
      `smsbox-port = ${boxes}`,
    ],
    ['smsc', 'smsc = smpp', 'smsc-id = city', 'host = 127.0.0.1', `port = ${port}`, 'transceiver-mode = true'],
    ['smsbox', 'bearerbox-host = 127.0.0.1', `sendsms-port = ${sendsms}`, 'sendsms-interface = 127.0.0.1'],
    ['sendsms-user', 'username = wuhou', 'password = wuhou', 'concatenation = true', 'max-messages = 20'],
    ['sms-service', 'keyword = default', 'catch-all = true', 'omit-empty = true', 'max-messages = 0'],
  ]
  groups[0]?.push('smsbox-interface = 127.0.0.1', 'log-level = 4')
  groups[1]?.push('smsc-username = peer-1', `smsc-password = ${password}`, 'system-type = ""', 'interface-version = 34')
  groups[4]?.push(`get-url = "http://127.0.0.1:${sink.port}/?from=%p&to=%P&text=%b"`)
  writeFileSync(
    file,
    groups.map((lines) => lines.map((line, i) => (i === 0 ? `group = ${line}` : line)).join('\n')).join('\n\n'),
  )
  launch(t, '/usr/sbin/bearerbox', [file])
  await listening(boxes)
  launch(t, '/usr/sbin/smsbox', [file])
  await listening(sendsms)
  return {
    sink,
    async send({ from, to, text }) {
      const query = new URLSearchParams({
        username: 'wuhou',
        password: 'wuhou',
        from,
        to,
        text,
        coding: '2',
        charset: 'UTF-8',
      })
      return (await fetch(`http://127.0.0.1:${sendsms}/cgi-bin/sendsms?${query}`)).text()
    },
  }
}

/** opensmppbox as a message centre, before a bearerbox whose handset is Kannel's fakesmsc. */
export async function openSmppBox(
  t: Test,
  systemId: string,
  password: string,
): Promise<{ port: number; handset: (from: string, to: string, text: string) => Program }> {
  const folder = folderFor(t)
  const [admin, boxes, fake, port] = [await freePort(), await freePort(), await freePort(), await freePort()]
  const logins = join(folder, 'logins.txt')
  writeFileSync(logins, `${systemId} ${password} VMA *.*.*.*\n`)
  const core = join(folder, 'bearerbox.conf')
  const box = join(folder, 'opensmppbox.conf')
  writeFileSync(
    core,
    `group = core
admin-port = ${admin}
admin-interface = 127.0.0.1
admin-password = wuhou
smsbox-port = ${boxes}
smsbox-interface = 127.0.0.1
dlr-storage = internal
log-level = 4

group = smsbox
bearerbox-host = 127.0.0.1

group = smsc
smsc = fake
smsc-id = fake
port = ${fake}
connect-allow-ip = 127.0.0.1

group = smsbox-route
smsbox-id = ${systemId}
smsc-id = fake
`,
  )
  writeFileSync(
    box,
    `group = core
dlr-storage = internal

group = opensmppbox
opensmppbox-id = box
opensmppbox-port = ${port}
bearerbox-host = 127.0.0.1
bearerbox-port = ${boxes}
our-system-id = opensmppbox
route-to-smsc = fake
use-systemid-as-smsboxid = true
smpp-logins = "${logins}"
log-level = 4
`,
  )
  launch(t, '/usr/sbin/bearerbox', [core])
  await listening(boxes)
  launch(t, 'opensmppbox', [box])
  await listening(port)
  await listening(fake)
  const handset = (from: string, to: string, text: string) =>
    launch(t, '/usr/lib/kannel/test/fakesmsc', [
      '-H',
      '127.0.0.1',
      '-r',
      String(fake),
      '-i',
      '0.01',
      '-m',
      '1',
      `${from} ${to} text ${text}`,
    ])
  return { port, handset }
}

const example = '/usr/share/doc/libnet-smpp-perl/examples/smsc.pl'
export const missingExample = (): string | false => missingPerl('Net::SMPP') || missing(example)

/** Net::SMPP's example of a message centre; it gives every message the same id. */
export async function perlCentre(t: Test): Promise<{ port: number; program: Program }> {
  const folder = folderFor(t)
  const port = await freePort()
  const file = join(folder, 'smsc.pl')
  const script = readFileSync(example, 'latin1').replace('$port = 9900', `$port = ${port}`)
  writeFileSync(file, script.replace("$host = 'localhost'", "$host = '127.0.0.1'"), 'latin1')
  const program = launch(t, 'perl', [file, '3'])
  await until('it listens', () => program.said().includes('Entering accept loop'))
  return { port, program }
}

/** Runs statements with `$smpp`, a Net::SMPP session bound to a port, and ends with unbind. */
export function perlEsme(t: Test, port: number, statements: string): Program {
  const bind = `new_transceiver('127.0.0.1', port => ${port}, system_id => 'peer-1', password => $ENV{WORD} // 'wuhou', system_type => '')`
  const script = `use Net::SMPP; $| = 1; my $smpp = Net::SMPP->${bind} or die "no bind: $!"; ${statements}; $smpp->unbind;`
  return launch(t, 'perl', ['-e', script])
}

/** What Wireshark's dissector says of each PDU: its command_id, a tab, and what is malformed about it. */
export function dissected(t: Test, pdus: readonly Buffer[]): string[] {
  const folder = folderFor(t)
  const [dump, capture] = [join(folder, 'pdus.txt'), join(folder, 'pdus.pcap')]
  const lines = pdus.map((pdu) => `0000 ${pdu.toString('hex').replace(/../g, '$& ')}`)
  writeFileSync(dump, `${lines.join('\n')}\n`)
  execFileSync('text2pcap', ['-q', '-T', '40000,2775', dump, capture], { stdio: 'ignore' })
  const fields = ['-T', 'fields', '-e', 'smpp.command_id', '-e', '_ws.malformed']
  const said = execFileSync('tshark', ['-r', capture, '-d', 'tcp.port==2775,smpp', ...fields], { stdio: 'pipe' })
  return said.toString().split('\n').slice(0, -1)
}
