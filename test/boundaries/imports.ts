import { posix } from 'node:path'

/** Sources by their path from the package's root: `gateway/intake/intake.ts`. */
export type Sources = ReadonlyMap<string, string>

/** What a file imports: paths from the package's root for its neighbours, names as written for packages. */
export function importsOf(path: string, text: string): string[] {
  const written = /^\s*(?:import|export)\b[^'"]*?(?:from\s*)?['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]\s*\)/gm
  return [...text.matchAll(written)].map((match) => {
    const target = match[1] ?? match[2] ?? ''
    return target.startsWith('.') ? posix.join(posix.dirname(path), target) : target
  })
}

interface Rule {
  /** Whom it binds. */
  readonly files: RegExp
  /** Which of their imports it judges. */
  readonly judges: RegExp
  readonly allowed: (target: string, from: string, sources: Sources) => boolean
  readonly says: string
}

const houses = /^(adapters|bench|config|docs|gateway|scripts|simulators|test)\//

const rules: readonly Rule[] = [
  {
    files: /^adapters\//,
    judges: houses,
    allowed: (target, from) =>
      [
        'gateway/adapter.ts',
        'gateway/report.ts',
        'gateway/subscriber.ts',
        'gateway/errors.ts',
        'config/fields.ts',
      ].includes(target) ||
      target.startsWith('gateway/web/') ||
      folderOf(target) === folderOf(from),
    says: 'an adapter knows the contract, reports, errors, gateway/web, fields of configuration and its own folder',
  },
  {
    files: /^(gateway|config)\/(?!adapter-kinds\.ts)/,
    judges: /^adapters\//,
    allowed: () => false,
    says: 'adapters are known to gateway/adapter-kinds.ts alone',
  },
  {
    files: /^(gateway|config)\//,
    judges: /^(bench|docs|scripts|simulators|test)\//,
    allowed: () => false,
    says: 'the gateway stands without simulators, tests and scripts',
  },
  {
    files: /^simulators\//,
    judges: /^adapters\//,
    allowed: (target, _from, sources) => touchesNoSocket(target, sources),
    says: 'a simulator speaks through codecs and framing, which touch no socket',
  },
  {
    files: /^simulators\//,
    judges: /^(bench|config|docs|gateway|scripts|test)\//,
    allowed: (target) =>
      /^gateway\/(report\.ts|subscriber\.ts|errors\.ts|package-root\.ts|city\/.+|web\/xml-text\.ts)$/.test(target),
    says: 'a simulator knows reports and the city; the gateway is a process to it',
  },
  {
    files: /./,
    judges: /^gateway\/main\.ts$/,
    allowed: () => false,
    says: 'nobody imports main.ts',
  },
]

/** `adapters/mqtt/broker.ts` is in `adapters/mqtt`. */
const folderOf = (path: string): string => path.split('/').slice(0, 2).join('/')

export function importProblems(sources: Sources): string[] {
  return [...sources].flatMap(([from, text]) =>
    importsOf(from, text).flatMap((target) =>
      rules
        .filter(
          ({ files, judges, allowed }) => files.test(from) && judges.test(target) && !allowed(target, from, sources),
        )
        .map(({ says }) => `${from} imports ${target}: ${says}`),
    ),
  )
}

const sockets =
  /^(node:)?(net|tls|dgram|http|https|http2)$|^(aedes|fastify|modbus-serial|mqtt|pg|serialport|smpp(?!\/lib\/(?:defs|pdu)\.js$)|ws)(\/|$)/

/** Neither the file nor anything it imports opens a socket. Types of a library are no sockets. */
function touchesNoSocket(path: string, sources: Sources, seen = new Set<string>()): boolean {
  if (seen.has(path)) return true
  seen.add(path)
  const code = (sources.get(path) ?? '').replace(/^\s*(import|export) type\b[^'"]*['"][^'"]+['"]/gm, '')
  return importsOf(path, code).every((target) => !sockets.test(target) && touchesNoSocket(target, sources, seen))
}
