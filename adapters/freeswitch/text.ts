import { isUtf8 } from 'node:buffer'

/** FreeSWITCH hands on what phones send: mostly UTF-8, and GBK from old ones. GB 18030 reads any byte, so it comes second. */
const gb18030 = new TextDecoder('gb18030')

export function textOf(bytes: Uint8Array): string {
  return isUtf8(bytes) ? Buffer.from(bytes).toString('utf8') : gb18030.decode(bytes)
}

/** Undoes `%XX`. What is no escape stays as it is; a `+`, too: FreeSWITCH writes none for a space. */
export function percentDecoded(bytes: Uint8Array): Uint8Array {
  const decoded = Buffer.alloc(bytes.length)
  let length = 0
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i] ?? 0
    const value = byte === percent ? hexAt(bytes, i + 1) * 16 + hexAt(bytes, i + 2) : Number.NaN
    if (!Number.isNaN(value)) i += 2
    decoded[length++] = Number.isNaN(value) ? byte : value
  }
  return decoded.subarray(0, length)
}

/** A value of a variable, in CDRs and in plain events. */
export function unescaped(text: string): string {
  if (!text.includes('%')) return text
  try {
    return decodeURIComponent(text)
  } catch {
    // Bytes of GBK, or a percent sign of the value's own.
    return textOf(percentDecoded(Buffer.from(text)))
  }
}

/** Each value is unescaped when somebody asks for it. */
export function unescaping(values: ReadonlyMap<string, string>): { get(name: string): string | undefined } {
  return {
    get(name) {
      const value = values.get(name)
      return value === undefined ? undefined : unescaped(value)
    },
  }
}

/** As FreeSWITCH escapes: what is not printable ASCII, and the characters that its lists and addresses are made of. */
export function escaped(text: string): string {
  return Buffer.from(text)
    .toString('latin1')
    .replace(/[^ -~]|[ #%&+:;<=>?@[\\\]^`{|}"]/g, (character) => {
      return `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`
    })
}

const percent = 0x25

function hexAt(bytes: Uint8Array, at: number): number {
  const byte = bytes[at] ?? 0
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30
  const letter = byte | 0x20
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : Number.NaN
}
