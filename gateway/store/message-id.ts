export const uuidPattern = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** A message's id is a UUIDv7 of its time of receipt, which names the one partition to look in. */
export function aroundId(id: string): { receivedAt: Date } {
  return { receivedAt: new Date(Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16)) }
}
