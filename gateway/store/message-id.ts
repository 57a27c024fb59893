/** A message's id is a UUIDv7 of its time of receipt, which names the one partition to look in. */
export function aroundId(id: string): { receivedAt: Date } {
  return { receivedAt: new Date(Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16)) }
}
