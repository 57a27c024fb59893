import { type LookupAddress, lookup } from 'node:dns'
import { BlockList, isIP, type LookupFunction } from 'node:net'
import { GatewayError } from '../errors.ts'

/** Networks that a message from outside must not reach through the gateway (IANA's special-purpose registries). */
const special = new BlockList()
for (const [network, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
] as const)
  special.addSubnet(network, prefix, 'ipv4')
for (const [network, prefix] of [
  ['::', 96],
  ['64:ff9b::', 96],
  ['64:ff9b:1::', 48],
  ['2002::', 16],
  ['fc00::', 7],
  ['fe80::', 10],
  ['fec0::', 10],
  ['ff00::', 8],
] as const)
  special.addSubnet(network, prefix, 'ipv6')

/** An IPv4 address written as IPv6 (`::ffff:127.0.0.1`) is judged as what it is. */
export function isPrivate(address: string): boolean {
  const kind = isIP(address)
  return kind === 0 || special.check(address, kind === 6 ? 'ipv6' : 'ipv4')
}

/**
 * Resolves a name and hands over only what may be connected to: the address that is checked is the one that is used, so
 * a name that answers differently the second time (DNS rebinding) gains nothing.
 */
export const publicLookup: LookupFunction = (hostname, options, done) => {
  lookup(hostname, { ...options, all: true }, (error, found: LookupAddress[]) => {
    if (error !== null) {
      done(error, [], 0)
      return
    }
    const open = found.filter(({ address }) => !isPrivate(address))
    const [first] = open
    if (first === undefined) done(refused(hostname), [], 0)
    else if (options.all === true) done(null, open)
    else done(null, first.address, first.family)
  })
}

/** Node asks no lookup about a host that is an address already. */
export function literalProblem(hostname: string): GatewayError | null {
  const bare = hostname.replace(/^\[|\]$/g, '')
  return isIP(bare) !== 0 && isPrivate(bare) ? refused(bare) : null
}

const refused = (host: string): GatewayError =>
  new GatewayError(
    'LINK_CONNECT',
    `${host} is an address of a private network; privateAddresses: allowed lets it through`,
  )
