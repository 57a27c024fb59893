import { createHash } from 'node:crypto'

export function contentKey(pdu: Uint8Array): string {
  return createHash('sha256').update(pdu.subarray(16)).digest('base64url')
}
