import { pinyin } from 'pinyin-pro'

/**
 * Slips of people who type by sound and take the wrong character of the list. The characters to slip to are those
 * that the crowd writes anyway, so that no table of them is needed.
 */
export class TypingSlips {
  readonly #bySound = new Map<string, Set<string>>()

  constructor(vocabulary: Iterable<string>) {
    for (const word of vocabulary) {
      for (const character of word) {
        const sound = soundOf(character)
        if (sound !== null) this.#bySound.set(sound, (this.#bySound.get(sound) ?? new Set()).add(character))
      }
    }
  }

  /** The text with one character changed for another of its sound; unchanged where there is none. */
  slip(text: string, random: () => number): string {
    const characters = [...text]
    const slippery = characters.flatMap((character, at) => {
      const others = [...(this.#bySound.get(soundOf(character) ?? '') ?? [])].filter((other) => other !== character)
      return others.length === 0 ? [] : [{ at, others }]
    })
    const slipped = slippery[Math.floor(random() * slippery.length)]
    if (slipped === undefined) return text
    const other = slipped.others[Math.floor(random() * slipped.others.length)] ?? ''
    return characters.with(slipped.at, other).join('')
  }
}

/** Without its tone, which nobody types; `null` for what is no Chinese character. */
function soundOf(character: string): string | null {
  return /^\p{Script=Han}$/u.test(character) ? pinyin(character, { toneType: 'none', v: true }) : null
}
