import { GatewayError, quote } from '../../gateway/errors.ts'
import type { CallerProfile, Leg, Variables } from './leg.ts'
import { legId, said } from './leg.ts'
import { unescaping } from './text.ts'

/** Records of mod_json_cdr and mod_format_cdr. */

/** Throws `DECODE_SYNTAX`. What is a list is records that somebody collected, or that were kept on disk. */
export function parseJson(text: string): unknown {
  const plain = attempt(text)
  if (plain !== undefined) return plain.value
  const mended = text.length <= longestRecord ? attempt(withoutLooseCharacters(text)) : undefined
  if (mended !== undefined) return mended.value
  throw new GatewayError(
    'DECODE_SYNTAX',
    `FreeSWITCH CDR: no JSON: ${quote(text)}; with encode=true, set encode-values=false`,
  )
}

function attempt(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) as unknown }
  } catch {
    return undefined
  }
}

/**
 * mod_json_cdr with encode=true leaves what encode-values=true (the default) has escaped already as it is, so undoing the
 * one undoes both: line ends and quotation marks of values then stand bare in the JSON. Line ends are of values alone, and
 * a quotation mark of the JSON itself has a brace, bracket, comma or colon beside it.
 */
function withoutLooseCharacters(text: string): string {
  return (
    text
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is escaped
      .replace(/[\u0000-\u001f]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
      .replace(/(?<!\\|[{[]|":|["}\]],)"(?!:["{[\d-]|[}\]]|,["{])/g, '\\"')
  )
}

/** With the record of the other leg in it (copy_xml_cdr) one has some hundred KiB. */
export const longestRecord = 2 * 1024 * 1024

type Fields = Readonly<Record<string, unknown>>

/** Throws `DECODE_FIELD` for what is no record of a leg. */
export function legOfJson(value: unknown): Leg {
  const cdr = fieldsOf(value)
  if (cdr === null)
    throw new GatewayError(
      'DECODE_FIELD',
      `FreeSWITCH CDR: ${Array.isArray(value) ? 'a list' : `a ${typeof value}`} is no record`,
    )
  const variables = variablesOf(cdr.variables)
  const callflow = Array.isArray(cdr.callflow) ? cdr.callflow.slice(0, mostProfiles) : []
  const profiles = callflow.map(fieldsOf).filter((flow) => flow !== null)
  const uuid = said(variables.get('uuid')) ?? text(fieldsOf(profiles.at(-1)?.caller_profile)?.uuid)
  return {
    uuid: legId(uuid),
    direction: said(variables.get('direction')) ?? text(fieldsOf(cdr.channel_data)?.direction),
    variables,
    profiles: profiles.map(profileOf),
  }
}

/** A call that is sent on more often than this is one that goes in circles. */
export const mostProfiles = 100

/** Values are escaped or not as encode-values has it: a record whose values have what would be escaped is not. */
function variablesOf(given: unknown): Variables {
  const values = new Map<string, string>()
  let escaped = true
  for (const [name, value] of Object.entries(fieldsOf(given) ?? {})) {
    const plain = typeof value === 'number' || typeof value === 'boolean' ? String(value) : value
    if (typeof plain !== 'string') continue
    values.set(name, plain)
    escaped &&= !unsafe.test(plain)
  }
  return escaped ? unescaping(values) : values
}

const unsafe = /[^ -~]|[ #&+:;<=>?@[\\\]^`{|}"]/

function profileOf(flow: Fields): CallerProfile {
  const profile = fieldsOf(flow.caller_profile)
  const originators = fieldsOf(profile?.originator)?.originator_caller_profiles
  const originator = Array.isArray(originators) ? fieldsOf(originators[0]) : null
  const times = Object.entries(fieldsOf(flow.times) ?? {}).map(([name, value]): [string, string] => [
    name,
    text(value) ?? '',
  ])
  return {
    callerNumber: text(profile?.caller_id_number),
    calleeNumber: text(profile?.callee_id_number),
    destination: text(profile?.destination_number),
    originator:
      originator === null ? null : { uuid: text(originator.uuid), callerNumber: text(originator.caller_id_number) },
    times: new Map(times),
  }
}

function fieldsOf(value: unknown): Fields | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : null
}

const text = (value: unknown): string | null =>
  typeof value === 'string' ? said(value) : typeof value === 'number' ? String(value) : null
