import { z } from 'zod'
import { normalised } from '../triage/text/normalise.ts'
import { id, latitude, longitude, optionalText, text } from './cells.ts'
import type { Point } from './city.ts'
import { lineOf } from './geojson.ts'
import type { CityReader } from './reader.ts'
import { lineFault } from './ring-check.ts'
import type { Position } from './shape.ts'

/** Other names, with blanks or bars between them. */
const aliases = () =>
  z
    .string()
    .default('')
    .transform((cell) => cell.split(/[\s|]+/).filter((word) => word !== ''))

const placed = { latitude: latitude(), longitude: longitude(), grid: text() }
const roadProperties = z.strictObject({ name: text(), aliases: aliases() })
const landmarkColumns = z.object({ id: id(), name: text(), aliases: aliases(), kind: text(), ...placed })
const compoundColumns = z.object({ id: id(), name: text(), aliases: aliases(), building: optionalText(), ...placed })
const addressColumns = z.object({ id: id(), text: text(), ...placed })

interface Named {
  readonly name: string
  readonly aliases: readonly string[]
}

/** What the files of the gazetteer say, names normalised. */
export interface NamedThings {
  readonly roads: readonly (Named & { readonly line: readonly Position[] })[]
  readonly landmarks: readonly (Named & Point & { readonly kind: string })[]
  readonly compounds: readonly (Named & Point & { readonly building: string | null })[]
  readonly addresses: readonly (Point & { readonly text: string })[]
  readonly counts: Readonly<Record<'roads' | 'landmarks' | 'compounds' | 'addresses', number>>
}

/** Roads, landmarks, compounds and addresses, checked; call it after the grids were read, which they refer to. */
export function readNamedThings(reader: CityReader): NamedThings {
  const roads = readRoads(reader)
  const landmarks = readPlaced(reader, 'landmarks', landmarkColumns).map((row) => ({ ...row, ...namesOf(row) }))
  const compounds = readPlaced(reader, 'compounds', compoundColumns).map((row) => ({
    ...row,
    ...namesOf(row),
    building: row.building === null ? null : normalised(row.building),
  }))
  const addresses = readPlaced(reader, 'addresses', addressColumns).map(({ text, latitude, longitude }) => ({
    text: normalised(text),
    latitude,
    longitude,
  }))
  return {
    roads,
    landmarks,
    compounds,
    addresses,
    counts: {
      roads: new Set(roads.map((road) => road.name)).size,
      landmarks: landmarks.length,
      compounds: compounds.filter((row) => row.building === null).length,
      addresses: addresses.length,
    },
  }
}

/** A road may have several records, as maps cut it; whichever of the same name lie near one another are one road. */
function readRoads(reader: CityReader): NamedThings['roads'] {
  return reader.features('roads', roadProperties).flatMap((feature) => {
    const line = lineOf(feature.geometry)
    const fault = line === null ? 'the geometry is no LineString' : lineFault(line)
    if (fault !== null) reader.problem(feature, fault)
    return fault !== null || line === null ? [] : [{ ...namesOf(feature.value), line }]
  })
}

type Kind = 'landmarks' | 'compounds' | 'addresses'
type Columns = z.ZodObject<{ id: ReturnType<typeof id>; grid: ReturnType<typeof text> }>

function readPlaced<S extends Columns>(reader: CityReader, kind: Kind, columns: S): z.output<S>[] {
  return reader.rows(kind, columns).flatMap((row) => {
    reader.refer('grids', row.value.grid, row, 'column grid')
    return reader.define(kind, row.value.id, row) ? [row.value] : []
  })
}

function namesOf({ name, aliases }: Named): Named {
  return { name: normalised(name), aliases: aliases.map(normalised) }
}
