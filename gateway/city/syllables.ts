import { pinyin } from 'pinyin-pro'

const first = 0x4e00
const last = 0x9fff

/**
 * What a character sounds like, as a number: equal for characters that are typed one for the other. Tones, and the pairs
 * that half of China does not tell apart (zh and z, n and l, -ng and -n), do not count. A character without a reading
 * sounds like itself.
 */
export function syllableOf(unit: number): number {
  return unit < first || unit > last ? unit : (table()[unit - first] as number)
}

let made: Uint16Array | null = null

/** Made once a process: one reading a character, the commonest, so that names and texts are read alike. */
function table(): Uint16Array {
  if (made !== null) return made
  const ids = new Map<string, number>()
  made = new Uint16Array(last - first + 1)
  for (let unit = first; unit <= last; unit++) {
    const char = String.fromCharCode(unit)
    const sound = folded(pinyin(char, { toneType: 'none' }))
    const id = ids.get(sound) ?? ids.size + 1
    ids.set(sound, id)
    made[unit - first] = sound === char ? unit : id
  }
  return made
}

function folded(sound: string): string {
  return sound
    .replace(/^([zcs])h/, '$1')
    .replace(/^n/, 'l')
    .replace(/([aei])ng$/, '$1n')
}
