import { pinyin } from 'pinyin-pro'

/**
 * Sounds of characters as numbers, the same for those that people of the lower Yangtze hear alike: zh z, ch c, sh s, and
 * -ing -in, -eng -en. pinyin-pro takes 18 µs a character, so each is asked for once.
 */
const sounds = new Map<number, number>()
const numbers = new Map<string, number>()

/** Characters that are no Han stand for themselves. */
export function soundOf(unit: number): number {
  let sound = sounds.get(unit)
  if (sound === undefined) {
    sound = unit >= 0x4e00 && unit <= 0x9fff ? numberOf(String.fromCharCode(unit)) : unit
    sounds.set(unit, sound)
  }
  return sound
}

function numberOf(character: string): number {
  const [said] = pinyin(character, { toneType: 'none', type: 'array' })
  const heard = (said ?? character).replace(/^([zcs])h/, '$1').replace(/(in|en)g$/, '$1')
  let number = numbers.get(heard)
  if (number === undefined) {
    // Beyond all units, so that no sound is taken for a character.
    number = 0x10000 + numbers.size
    numbers.set(heard, number)
  }
  return number
}
