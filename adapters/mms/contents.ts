import type { Attachment, MalformedReport } from '../../gateway/report.ts'
import { sniffed } from '../../gateway/web/media-type.ts'
import { textOf } from './charset.ts'
import { type Broken, bareId, type Part, type Parts } from './part.ts'
import { references } from './smil.ts'

/** What a person reads of an MMS: its texts in the order of the presentation, and everything else as attachments. */

export interface Contents {
  readonly text: string | null
  readonly attachments: readonly Attachment[]
}

/** Characters of all texts. A handset sends at most 30,000 octets; what is read here is read again by triage. */
const longestText = 65_536

const isPresentation = ({ type }: Part): boolean => type === 'application/smil' || type === 'application/smil+xml'
const isText = ({ type }: Part): boolean => type === 'text/plain'

export function contentsOf(parts: Parts): { readonly contents: Contents; readonly broken: readonly Broken[] } {
  const inOrder = presented(parts.whole)
  const text = inOrder
    .filter(isText)
    .map(({ content, charset }) => textOf(content, charset).trim())
    .filter((one) => one !== '')
    .join('\n')
  const contents = {
    text: text === '' ? null : text.slice(0, longestText).toWellFormed(),
    attachments: inOrder
      .filter((part) => !isText(part) && !isPresentation(part) && part.content.length > 0)
      .map(attachment),
  }
  if (text.length <= longestText) return { contents, broken: parts.broken }
  const cut = { code: 'DECODE_TOO_LARGE', detail: `text of ${text.length} characters, read to ${longestText}` }
  return { contents, broken: [...parts.broken, cut] }
}

/** As the presentation names them; what it does not name follows in the order it came. */
function presented(parts: readonly Part[]): readonly Part[] {
  const presentation = parts.find(isPresentation)
  if (presentation === undefined) return parts
  const places = new Map<string, number>()
  references(textOf(presentation.content, presentation.charset)).forEach((reference, place) => {
    const name = bareId(reference)
    if (!places.has(name)) places.set(name, place)
  })
  const placeOf = ({ id, location, name }: Part): number => {
    const found = [id, location, name].flatMap((one) => (one === null ? [] : (places.get(bareId(one)) ?? [])))
    return found[0] ?? places.size
  }
  // Stable: equal places keep the order of arrival.
  return [...parts].sort((a, b) => placeOf(a) - placeOf(b))
}

function attachment(part: Part): Attachment {
  const claimedType = part.type === '' ? null : cleanWord(part.type)
  return {
    name: nameOf(part),
    mediaType: sniffed(part.content, claimedType),
    claimedType,
    content: part.content,
    sha256: null,
    url: null,
  }
}

/** The last step of a path alone: `/tmp/php86myoT` names no folder here. What looks like a file's name is preferred. */
function nameOf({ name, location, id }: Part): string | null {
  const given = [name, location, id].flatMap((one) => {
    const last =
      cleanWord(one ?? '')
        .split(/[/\\]/)
        .at(-1) ?? ''
    return last === '' ? [] : [last.slice(0, 200).toWellFormed()]
  })
  return given.find((one) => /\.\w{2,5}$/.test(one)) ?? given[0] ?? null
}

/** Without control characters, NUL among them. */
function cleanWord(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
  return text.replace(/[\u0000-\u001f\u007f]/g, '').trim()
}

/** Parts that are not whole are elements of their own, behind the `before` reports of the message. */
export function brokenReports(broken: readonly Broken[], before: number): MalformedReport[] {
  return broken.map(({ code, detail }, i) => ({ kind: 'malformed', index: before + i, code, detail }))
}
