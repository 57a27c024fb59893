/**
 * The order in which a presentation (SMIL 2.0 as OMA's MMS conformance document cuts it down) names its parts. Only the
 * `src` attributes matter, so a presentation that is no well-formed XML serves as well.
 */

/** A presentation names at most two things a slide; beyond this it is no presentation of a handset. */
const longest = 128 * 1024

/** References in the order they stand, `cid:` and angle brackets as they came. */
export function references(presentation: string): string[] {
  const found: string[] = []
  // Attributes of one element are at most 2,000 characters: a `<text` without an end costs no more than that.
  const element = /<(?:text|img|image|ref|audio|video|animation)\b([^<>]{0,2000})/gi
  for (const [, attributes = ''] of presentation.slice(0, longest).matchAll(element)) {
    const [, double, single] = /\bsrc\s*=\s*(?:"([^"]*)"|'([^']*)')/i.exec(attributes) ?? []
    const source = (double ?? single ?? '').trim()
    if (source !== '') found.push(source)
  }
  return found
}
