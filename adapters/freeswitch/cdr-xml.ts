import { XMLParser } from 'fast-xml-parser'
import { describe, GatewayError } from '../../gateway/errors.ts'
import { longestRecord, mostProfiles } from './cdr-json.ts'
import type { CallerProfile, Leg, Variables } from './leg.ts'
import { legId, said } from './leg.ts'
import { unescaping } from './text.ts'

/** Records of mod_xml_cdr and mod_format_cdr. Values of variables are escaped as in a URL; the rest is plain XML. */

const deepestTags = 12
const mostOriginators = 20

/** Elements that stand several times, or once and are read as if. */
const lists = new Set(['callflow', 'originator_caller_profile'])

const parser = new XMLParser({
  ignoreAttributes: false,
  attributeNamePrefix: '@',
  parseTagValue: false,
  parseAttributeValue: false,
  maxNestedTags: deepestTags,
  isArray: (name) => lists.has(name),
  // Entities that a document declares are refused before; what is left are those of XML.
  processEntities: true,
})

type Node = Readonly<Record<string, unknown>>

/** Throws a `DECODE_` error for a DOCTYPE, for size and nesting that no CDR has, and for what is no record of a leg. */
export function legOfXml(text: string): Leg {
  if (text.length > longestRecord)
    throw new GatewayError('DECODE_TOO_LARGE', `FreeSWITCH CDR: ${text.length} characters of XML`)
  if (/<!\s*(?:DOCTYPE|ENTITY)/i.test(text)) throw new GatewayError('DECODE_UNSUPPORTED', 'FreeSWITCH CDR: a DOCTYPE')
  const cdr = nodeOf(parsed(text).cdr)
  if (cdr === null) throw new GatewayError('DECODE_SYNTAX', 'FreeSWITCH CDR: no element cdr')
  const variables = variablesOf(cdr.variables)
  const callflow = Array.isArray(cdr.callflow) ? cdr.callflow.slice(0, mostProfiles) : []
  // Releases of 2010 have profile and times beside the callflow, not in it.
  const flows = nodeOf(cdr.caller_profile) === null ? callflow.map(nodeOf).filter((flow) => flow !== null) : [cdr]
  const oldest = flows.at(-1)
  const uuid =
    said(variables.get('uuid')) ?? textOf(oldest?.['@unique-id']) ?? textOf(nodeOf(oldest?.caller_profile)?.uuid)
  return {
    uuid: legId(uuid),
    direction: said(variables.get('direction')) ?? textOf(nodeOf(cdr.channel_data)?.direction),
    variables,
    profiles: flows.map(profileOf),
  }
}

function parsed(text: string): Node {
  try {
    return nodeOf(parser.parse(text)) ?? {}
  } catch (error) {
    throw new GatewayError('DECODE_SYNTAX', `FreeSWITCH CDR: ${describe(error).slice(0, 120)}`)
  }
}

/** A variable with several values stands several times; the first one is read. */
function variablesOf(given: unknown): Variables {
  const values = new Map<string, string>()
  for (const [name, value] of Object.entries(nodeOf(given) ?? {})) {
    const text = textOf(Array.isArray(value) ? value[0] : value)
    if (text !== null) values.set(name, text)
  }
  return unescaping(values)
}

function profileOf(flow: Node): CallerProfile {
  const profile = nodeOf(flow.caller_profile)
  const originators = nodeOf(profile?.originator)?.originator_caller_profile
  const originator = Array.isArray(originators) ? nodeOf(originators.slice(0, mostOriginators)[0]) : null
  const times = Object.entries(nodeOf(flow.times) ?? {}).map(([name, value]): [string, string] => [
    name,
    textOf(value) ?? '',
  ])
  return {
    callerNumber: textOf(profile?.caller_id_number),
    calleeNumber: textOf(profile?.callee_id_number),
    destination: textOf(profile?.destination_number),
    originator:
      originator === null ? null : { uuid: textOf(originator.uuid), callerNumber: textOf(originator.caller_id_number) },
    times: new Map(times),
  }
}

function nodeOf(value: unknown): Node | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Node) : null
}

/** An element with attributes is an object with its text in `#text`. */
function textOf(value: unknown): string | null {
  const text = nodeOf(value)?.['#text'] ?? value
  return typeof text === 'string' ? said(text) : null
}
