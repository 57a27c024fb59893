import type { Extent, Piece } from './framing.ts'

/**
 * Other protocols that receivers mix with their sentences. Only frames whose check sum holds count as such, so noise
 * that begins like one is still noise.
 */

const longestUbx = 4096
const longestJson = 8192
const jsonStart = Buffer.from('{"class":"')

export function foreignFrame(bytes: Buffer, at: number): [Piece['kind'], Extent] {
  switch (bytes[at]) {
    case 0xb5:
      return ['ubx', ubxExtent(bytes, at)]
    case 0xd3:
      return ['rtcm3', rtcmExtent(bytes, at)]
    case 0x7b:
      return ['json', jsonExtent(bytes, at)]
    default:
      return ['garbage', 'none']
  }
}

/** u-blox: B5 62, class, id, length (little endian), payload, two bytes of an 8-bit Fletcher sum. */
function ubxExtent(bytes: Buffer, at: number): Extent {
  if (at + 1 >= bytes.length) return 'more'
  if (bytes[at + 1] !== 0x62) return 'none'
  if (at + 6 > bytes.length) return 'more'
  const payload = bytes.readUInt16LE(at + 4)
  if (payload > longestUbx) return 'none'
  const end = at + 6 + payload
  if (end + 2 > bytes.length) return 'more'
  let a = 0
  let b = 0
  for (let index = at + 2; index < end; index++) {
    a = (a + (bytes[index] ?? 0)) & 0xff
    b = (b + a) & 0xff
  }
  return bytes[end] === a && bytes[end + 1] === b ? payload + 8 : 'broken'
}

/** RTCM 10403: D3, six zero bits, ten bits of length, payload, CRC-24Q. */
function rtcmExtent(bytes: Buffer, at: number): Extent {
  const second = bytes[at + 1]
  if (second === undefined) return 'more'
  if (second > 3) return 'none'
  if (at + 3 > bytes.length) return 'more'
  const end = at + 3 + bytes.readUInt16BE(at + 1)
  if (end + 3 > bytes.length) return 'more'
  let crc = 0
  for (let index = at; index < end; index++) {
    crc ^= (bytes[index] ?? 0) << 16
    for (let bit = 0; bit < 8; bit++) crc = crc & 0x800000 ? (crc << 1) ^ 0x1864cfb : crc << 1
  }
  return (crc & 0xffffff) === bytes.readUIntBE(end, 3) ? end + 3 - at : 'broken'
}

/** What gpsd says of itself (VERSION, DEVICES, WATCH) on the line where it passes sentences on. */
function jsonExtent(bytes: Buffer, at: number): Extent {
  const length = Math.min(jsonStart.length, bytes.length - at)
  if (bytes.compare(jsonStart, 0, length, at, at + length) !== 0) return 'none'
  const end = bytes.indexOf(0x0a, at)
  if (end >= 0 && end - at < longestJson) return end + 1 - at
  return end < 0 && bytes.length - at < longestJson ? 'more' : 'none'
}
