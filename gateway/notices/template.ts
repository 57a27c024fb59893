import type { City, MessageTemplate } from '../city/city.ts'

/** What a template's text lacks, or has no place for. */
export interface Filled {
  readonly text: string
  readonly missing: readonly string[]
  readonly unknown: readonly string[]
}

const placeholder = /\{([a-z][A-Za-z]*)\}/g

/** Names of the fields that a text has places for. */
export function placeholdersOf(text: string): string[] {
  return [...new Set([...text.matchAll(placeholder)].map(([, name]) => name ?? ''))]
}

/** A field that is empty counts as missing: an answer without its number is none. */
export function fill(template: MessageTemplate, fields: Readonly<Record<string, string>>): Filled {
  const wanted = [...new Set([...placeholdersOf(template.text), ...placeholdersOf(template.title ?? '')])]
  const has = (name: string) => Object.hasOwn(fields, name) && fields[name] !== ''
  return {
    text: written(template.text, fields),
    missing: wanted.filter((name) => !has(name)),
    unknown: Object.keys(fields).filter((name) => !wanted.includes(name)),
  }
}

/** A field's own braces are left alone: what somebody wrote is no template. */
export function written(text: string, fields: Readonly<Record<string, string>>): string {
  return text.replace(placeholder, (whole, name: string) => fields[name] ?? whole)
}

/** What its addressee is owed and has had when a notice by this template is taken. */
export function tells({ audience, stage }: MessageTemplate): 'answer' | 'result' | null {
  if (audience !== 'citizen') return null
  return stage === null ? 'answer' : 'result'
}

/** The template as this audience reads it, else as anybody does. */
export function templateFor(city: City, id: string, audience: MessageTemplate['audience']): MessageTemplate | null {
  return city.template(id, audience) ?? city.template(id)
}
