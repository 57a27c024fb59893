import ExifReader from 'exifreader'
import sharp from 'sharp'

/** What a picture says of itself, and a small copy of it. The bytes are strangers': nothing here throws or takes long. */

/** Where and when a camera says a picture was taken. A hint: whoever sends a picture can write anything into it. */
export interface PicturePlace {
  /** degrees, WGS-84 */
  readonly latitude: number
  readonly longitude: number
  /** GPSHPositioningError (Exif 2.31); `null`: the camera does not say. */
  readonly accuracyM: number | null
  /** By the satellites' clock, else by the camera's where it says its offset from UTC. */
  readonly at: Date | null
}

/** Larger than any picture that reaches the gateway whole. */
const largest = 32 * 1024 ** 2

export function exifPlace(content: Uint8Array): PicturePlace | null {
  if (content.length > largest || !isPicture(content)) return null
  try {
    const tags: Tags = ExifReader.load(Buffer.from(content.subarray(0, exifBytes)), {
      includeTags: { exif: true, gps: true },
    })
    return placeIn(tags)
  } catch {
    // No metadata, or none that can be read: the picture is a picture all the same.
    return null
  }
}

/**
 * Cameras write EXIF first, in at most 64 KiB. The library reads whatever a picture's directories ask for, entry by entry: a
 * picture of megabytes that is made for it takes seconds, and this runs in the intake.
 */
const exifBytes = 96 * 1024

type Tags = Readonly<Record<string, { readonly value?: unknown } | undefined>>

function placeIn(tags: Tags): PicturePlace | null {
  // V: the receiver had no fix when the picture was taken.
  if (wordOf(tags.GPSStatus) === 'V') return null
  const latitude = degrees(tags.GPSLatitude, wordOf(tags.GPSLatitudeRef), { N: 1, S: -1 }, 90)
  const longitude = degrees(tags.GPSLongitude, wordOf(tags.GPSLongitudeRef), { E: 1, W: -1 }, 180)
  // Cameras without a fix fill in zeros; the Gulf of Guinea is no place of the city's.
  if (latitude === null || longitude === null || (latitude === 0 && longitude === 0)) return null
  const accuracyM = rational(tags.GPSHPositioningError?.value)
  return { latitude, longitude, accuracyM: accuracyM !== null && accuracyM > 0 ? accuracyM : null, at: timeIn(tags) }
}

function degrees(tag: Tags[string], half: string, signs: Record<string, 1 | -1>, most: number): number | null {
  const sign = signs[half]
  if (sign === undefined || !Array.isArray(tag?.value) || tag.value.length !== 3) return null
  const [whole, minutes, seconds] = tag.value.map(rational)
  if (whole == null || minutes == null || seconds == null) return null
  if (whole < 0 || minutes < 0 || minutes >= 60 || seconds < 0 || seconds >= 60) return null
  const value = whole + minutes / 60 + seconds / 3600
  return value > most ? null : sign * value
}

/** `[numerator, denominator]`; 0/0 is how cameras write that they do not know. */
function rational(pair: unknown): number | null {
  if (!Array.isArray(pair) || pair.length !== 2) return null
  const value = Number(pair[0]) / Number(pair[1])
  return Number.isFinite(value) ? value : null
}

function wordOf(tag: Tags[string]): string {
  const value = Array.isArray(tag?.value) ? tag.value[0] : tag?.value
  return typeof value === 'string' ? value.replaceAll('\0', '').trim() : ''
}

function timeIn(tags: Tags): Date | null {
  const day = dashed(wordOf(tags.GPSDateStamp))
  const clock = Array.isArray(tags.GPSTimeStamp?.value) ? tags.GPSTimeStamp.value.map(rational) : []
  const [hours, minutes, seconds] = clock
  if (day !== null && hours != null && minutes != null && seconds != null) {
    const midnight = Date.parse(`${day}T00:00:00Z`)
    return sane(midnight + (hours * 3600 + minutes * 60 + seconds) * 1000)
  }
  const [date = '', time = ''] = wordOf(tags.DateTimeOriginal).split(' ')
  const offset = wordOf(tags.OffsetTimeOriginal)
  if (!/^[+-]\d\d:\d\d$/.test(offset) || !/^\d\d:\d\d:\d\d$/.test(time)) return null
  return sane(Date.parse(`${dashed(date)}T${time}${offset}`))
}

const dashed = (date: string): string | null => (/^\d{4}:\d\d:\d\d$/.test(date) ? date.replaceAll(':', '-') : null)

/** Cameras that do not know the day write 1970 or 0000. */
function sane(ms: number): Date | null {
  return Number.isFinite(ms) && ms > Date.UTC(2000, 0) ? new Date(ms) : null
}

/** Phones take 50 megapixels; a picture of more is a bomb or of no use on a console. */
const mostPixels = 64_000_000
const thumbnailWidth = 320
const thumbnailHeight = 960
const longestS = 10

/** A JPEG of at most 320 pixels in width, upright, without what the camera wrote into it; `null`: it is no picture. */
export async function thumbnail(content: Uint8Array): Promise<Uint8Array | null> {
  if (content.length > largest || !isPicture(content)) return null
  try {
    return await sharp(content, { limitInputPixels: mostPixels, failOn: 'error', sequentialRead: true })
      .autoOrient()
      .resize({ width: thumbnailWidth, height: thumbnailHeight, fit: 'inside', withoutEnlargement: true })
      .flatten({ background: '#ffffff' })
      .jpeg({ quality: 75 })
      .timeout({ seconds: longestS })
      .toBuffer()
  } catch {
    return null
  }
}

/** Begins like a picture of pixels. An SVG is a document: it may name other files, and is not drawn here. */
function isPicture(content: Uint8Array): boolean {
  const head = Buffer.from(content.subarray(0, 12)).toString('latin1')
  return /^(?:\xff\xd8\xff|\x89PNG|GIF8|RIFF....WEBP|II\*\0|MM\0\*|....ftyp(?:hei|mif|msf|avi))/s.test(head)
}
