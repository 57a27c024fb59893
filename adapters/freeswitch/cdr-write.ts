import { escaped } from './text.ts'

/** Records as FreeSWITCH's modules write them, for whoever plays one. */

export interface WrittenCdr {
  readonly coreUuid: string
  readonly uuid: string
  readonly direction: 'inbound' | 'outbound'
  readonly variables: Readonly<Record<string, string>>
  readonly profile: WrittenProfile
  readonly originator: WrittenProfile | null
  /** `created_time` and the like: microseconds, 0 where it did not happen. */
  readonly times: Readonly<Record<string, string>>
}

export interface WrittenProfile {
  readonly uuid: string
  readonly callerNumber: string
  readonly destination: string
}

export function writeJsonCdr(cdr: WrittenCdr, encodeValues: boolean): string {
  const written = (value: string) => (encodeValues ? escaped(value) : value)
  return JSON.stringify({
    'core-uuid': cdr.coreUuid,
    switchname: 'pbx',
    channel_data: { state: 'CS_REPORTING', direction: cdr.direction, state_number: '11' },
    variables: Object.fromEntries(Object.entries(cdr.variables).map(([name, value]) => [name, written(value)])),
    callflow: [
      {
        dialplan: 'XML',
        profile_index: '1',
        caller_profile: {
          ...profileFields(cdr.profile),
          ...(cdr.originator === null
            ? {}
            : { originator: { originator_caller_profiles: [profileFields(cdr.originator)] } }),
        },
        times: cdr.times,
      },
    ],
  })
}

export function writeXmlCdr(cdr: WrittenCdr): string {
  const elements = (fields: Readonly<Record<string, string>>, write: (text: string) => string) =>
    Object.entries(fields)
      .map(([name, value]) => `<${name}>${write(value)}</${name}>`)
      .join('')
  const originator =
    cdr.originator === null
      ? ''
      : `<originator><originator_caller_profile>${elements(profileFields(cdr.originator), xml)}</originator_caller_profile></originator>`
  return [
    `<?xml version="1.0"?>\n<cdr core-uuid="${cdr.coreUuid}" switchname="pbx">`,
    `<channel_data><state>CS_REPORTING</state><direction>${cdr.direction}</direction></channel_data>`,
    `<variables>${elements(cdr.variables, escaped)}</variables>`,
    `<callflow dialplan="XML" unique-id="${cdr.uuid}" profile_index="1">`,
    `<caller_profile>${elements(profileFields(cdr.profile), xml)}${originator}</caller_profile>`,
    `<times>${elements(cdr.times, xml)}</times></callflow></cdr>`,
  ].join('')
}

const profileFields = ({ uuid, callerNumber, destination }: WrittenProfile) => ({
  caller_id_number: callerNumber,
  destination_number: destination,
  uuid,
})

const xml = (text: string): string => text.replace(/[&<>]/g, (character) => `&#${character.charCodeAt(0)};`)

/**
 * The modules' `encode`: `json` and `textxml` post the record, the others a form field. `json-form` is mod_json_cdr's form,
 * which leaves escapes that are there as they are; `form` is that of the other two.
 */
export type CdrWrapping = 'json' | 'textxml' | 'form' | 'json-form' | 'base64' | 'plaintext'

export function wrapCdr(
  record: string,
  wrapping: CdrWrapping,
): { readonly contentType: string; readonly body: string } {
  switch (wrapping) {
    case 'json':
      return { contentType: 'application/json', body: record }
    case 'textxml':
      return { contentType: 'text/xml', body: record }
    case 'form':
      return { contentType: 'application/x-www-form-urlencoded', body: `cdr=${escaped(record)}` }
    case 'json-form': {
      const body = `cdr=${escaped(record).replace(/%25(?=[0-9A-F]{2})/g, '%')}`
      return { contentType: 'application/x-www-form-urlencoded', body }
    }
    case 'base64': {
      const body = `cdr=${Buffer.from(record).toString('base64')}`
      return { contentType: 'application/x-www-form-base64-encoded', body }
    }
    case 'plaintext':
      return { contentType: 'application/x-www-form-plaintext', body: `cdr=${record}` }
  }
}
