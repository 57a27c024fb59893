import { BlockList, isIPv6 } from 'node:net'
import type { AdapterKind, Listener } from '../gateway/adapter.ts'
import { proofProblem } from '../gateway/web/webhook-options.ts'
import type { AdapterConfiguration } from './schema.ts'

/** What no single key can tell. Read from the raw values, so that one mistake does not hide another. */
export interface Finding {
  readonly path: readonly PropertyKey[]
  readonly message: string
}

export function acrossKeys(raw: unknown): Finding[] {
  return [
    ...sameNames(raw, 'adapters'),
    ...sameNames(raw, 'destinations'),
    ...openToEveryone(raw),
    ...waysToNowhere(raw),
  ]
}

function sameNames(raw: unknown, list: 'adapters' | 'destinations'): Finding[] {
  const first = new Map<string, number>()
  const blocks = at(raw, list)
  return (Array.isArray(blocks) ? blocks : []).flatMap((block, i) => {
    const name = at(block, 'name')
    if (typeof name !== 'string') return []
    const earlier = first.get(name)
    if (earlier === undefined) {
      first.set(name, i)
      return []
    }
    return [{ path: [list, i, 'name'], message: `"${name}" is already the name of ${list}[${earlier}]` }]
  })
}

/** Ways of notices that name an adapter or a kind which no block has. */
function waysToNowhere(raw: unknown): Finding[] {
  const blocks = at(raw, 'adapters')
  const has = (key: 'name' | 'kind', value: unknown) =>
    Array.isArray(blocks) && blocks.some((block) => at(block, key) === value)
  const routes = at(at(raw, 'notices'), 'routes')
  return ['citizen', 'collector', 'department'].flatMap((audience) => {
    const ways = at(routes, audience)
    return (Array.isArray(ways) ? ways : []).flatMap((way, i): Finding[] => {
      const path = ['notices', 'routes', audience, i]
      const [adapter, kind] = [at(way, 'adapter'), at(way, 'kind')]
      return [
        ...(typeof adapter === 'string' && !has('name', adapter)
          ? [{ path: [...path, 'adapter'], message: `no adapter has the name "${adapter}"` }]
          : []),
        ...(typeof kind === 'string' && !has('kind', kind)
          ? [{ path: [...path, 'kind'], message: `no adapter is of the kind "${kind}"` }]
          : []),
      ]
    })
  })
}

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8)
loopback.addAddress('::1', 'ipv6')

function isOfThisMachine(host: unknown): boolean {
  return typeof host !== 'string' || host === 'localhost' || loopback.check(host, isIPv6(host) ? 'ipv6' : 'ipv4')
}

/** Doors of adapters that somebody else than the peer could come in by. */
export function openDoors(
  httpHost: string,
  blocks: readonly { readonly index: number; readonly block: AdapterConfiguration }[],
): Finding[] {
  const exposed = !isOfThisMachine(httpHost)
  return blocks.flatMap(({ index, block: { options } }) => {
    const inner = [options, at(options, 'webhook')].flatMap((one) => proofProblem(one, exposed) ?? [])
    return inner.map(({ key, message }) => ({ path: ['adapters', index, key], message }))
  })
}

function openToEveryone(raw: unknown): Finding[] {
  const host = at(at(raw, 'http'), 'host') ?? '127.0.0.1'
  if (isOfThisMachine(host)) return []
  if (at(at(raw, 'http'), 'apiToken') !== undefined) return []
  return [
    {
      path: ['http', 'host'],
      message: `the API on "${host}" would be open to everyone: give http.apiToken, or listen on 127.0.0.1`,
    },
  ]
}

/** Two listeners that would fight over one port. A port of 0 fights with none. */
export function samePorts(
  http: Listener,
  blocks: readonly {
    readonly index: number
    readonly block: AdapterConfiguration
    readonly kind: AdapterKind<never>
  }[],
): Finding[] {
  const taken: { readonly listener: Listener; readonly by: string }[] = [{ listener: http, by: 'http.port' }]
  return blocks.flatMap(({ index, block, kind }) =>
    (kind.listeners?.(block.options as never) ?? []).flatMap((listener) => {
      const other = taken.find((one) => collide(one.listener, listener))
      taken.push({ listener, by: `adapter ${block.name}` })
      const message = `port ${listener.port} (${listener.transport}) is already taken by ${other?.by}`
      return other === undefined ? [] : [{ path: ['adapters', index, ...listener.path], message }]
    }),
  )
}

const everywhere = new Set(['0.0.0.0', '::'])

function collide(a: Listener, b: Listener): boolean {
  if (a.port === 0 || a.port !== b.port || a.transport !== b.transport) return false
  return a.host === b.host || everywhere.has(a.host) || everywhere.has(b.host)
}

function at(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>)[key] : undefined
}
