import { createHash } from 'node:crypto'
export function contentKey(pdu: Buffer): string {
  return createHash('sha256').update(pdu.subarray(4, 12)).update(pdu.subarray(16)).digest('hex')
}
