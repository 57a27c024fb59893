import { BlockList, isIP } from 'node:net'

/** `10.0.0.0/8`, `fd00::/8`, or one address; `null` when it is neither. */
export function parsedNetwork(text: string): { address: string; prefix: number; type: 'ipv4' | 'ipv6' } | null {
  const [address = '', length] = text.split('/')
  const kind = isIP(address)
  const most = kind === 6 ? 128 : 32
  const prefix = length === undefined ? most : Number(length)
  const sound = kind !== 0 && Number.isInteger(prefix) && prefix >= 0 && prefix <= most && length !== ''
  return sound ? { address, prefix, type: kind === 6 ? 'ipv6' : 'ipv4' } : null
}

/** Whether an address is of one of the networks; an IPv4 address in IPv6's clothes is the same one. */
export function sourcesOf(networks: readonly string[]): (address: string) => boolean {
  const list = new BlockList()
  for (const text of networks) {
    const found = parsedNetwork(text)
    if (found !== null) list.addSubnet(found.address, found.prefix, found.type)
  }
  return (address) => list.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')
}
