import { quote } from '../../errors.ts'
import { type Normalised, originalOf } from './normalise.ts'
import type { Item } from './sentence.ts'
import type { Suspicion } from './suspicions.ts'

/** The words that decided, as they were written. */
export function becauseOf(read: Normalised, { items, concept }: Suspicion): string {
  if (items.length === 0) return `resembles the words for ${concept.name}`
  const words = [...items].sort((a, b) => a.from - b.from).map(({ from, to }) => quote(originalOf(read, from, to)))
  const guessed = items.some((item) => item.guessed) ? ', by its sound' : ''
  return `${words.join(' + ')}: ${concept.name}${guessed}`
}

const standings = {
  plain: '',
  place: ', only a place',
  container: ', something is in or on it',
  agent: ', it did it',
  name: ', part of a name',
  part: ', part of the thing before it',
} as const

/** What one word of the text was taken for. */
export function stepOf(read: Normalised, item: Item): string {
  const senses = item.word.senses.map(({ role, concept }) => (concept.name === '' ? role : `${role} ${concept.name}`))
  const written = quote(originalOf(read, item.from, item.to))
  const heard = item.guessed ? `, heard as ${quote(item.word.text)}` : ''
  const said = item.negated ? ', denied' : item.lacked ? ', lacking' : standings[item.standing]
  return `${written}${heard}: ${senses.join(', ')}${said}`
}
