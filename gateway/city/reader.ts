import type { z } from 'zod'
import { quote } from '../errors.ts'
import { parseCsv } from './csv.ts'
import type { CityFile, CityFolder } from './folder.ts'
import { parseGeoJson } from './geojson.ts'
import type { FileKind } from './manifest.ts'
import type { ProblemList } from './problems.ts'

/** Where something is written, for what is found wrong with it later. */
export interface Source {
  readonly file: string
  readonly line: number
}

export interface Row<T> extends Source {
  readonly value: T
}

export interface Feature<T> extends Row<T> {
  readonly geometry: unknown
}

/** Reads a folder's tables into typed rows and keeps who is who, so that every later reference can be judged. */
export class CityReader {
  readonly problems: ProblemList
  readonly #folder: CityFolder
  readonly #lacking: Set<FileKind>
  readonly #seen = new Map<string, Map<string, Source>>()

  constructor(folder: CityFolder, problems: ProblemList) {
    this.#folder = folder
    this.#lacking = new Set(folder.lacking)
    this.problems = problems
  }

  /** Rows of every CSV file of a kind. Its columns are the keys of the schema, in any order; optional ones may be left out. */
  rows<S extends z.ZodObject>(kind: FileKind, schema: S): Row<z.output<S>>[] {
    return this.#files(kind).flatMap((file) => this.#csvRows(file, schema))
  }

  /** Features of every GeoJSON file of a kind, their properties as the schema has them. */
  features<S extends z.ZodObject>(kind: FileKind, schema: S): Feature<z.output<S>>[] {
    return this.#files(kind).flatMap((file) => {
      const { features, fault } = parseGeoJson(file.text ?? '')
      if (fault !== null) this.#fault(file, fault)
      return features.flatMap(({ line, properties, geometry }) => {
        const value = this.#parse(schema, properties ?? {}, { file: file.name, line }, file.kind, 'property')
        return value === null ? [] : [{ file: file.name, line, value, geometry }]
      })
    })
  }

  /** Takes an id in a name space; a second use of it is a problem that names the first. */
  define(space: string, id: string, where: Source): boolean {
    const taken = this.#seen.get(space) ?? new Map<string, Source>()
    this.#seen.set(space, taken)
    const first = taken.get(id)
    if (first === undefined) taken.set(id, where)
    else this.problem(where, `${quote(id)} is already used at ${first.file}:${first.line}`)
    return first === undefined
  }

  /** Says so when a reference leads nowhere; silent while the table it leads to could not be read as a whole. */
  refer(kind: FileKind, id: string | null, where: Source, column: string): boolean {
    if (id === null || this.#lacking.has(kind)) return id !== null
    const known = this.#seen.get(kind)?.has(id) ?? false
    if (!known) this.problem(where, `${column}: ${quote(id)} is not in ${kind}`)
    return known
  }

  /** A table that could not be read as a whole: what refers to it cannot be judged. */
  lacks(kind: FileKind): boolean {
    return this.#lacking.has(kind)
  }

  problem(where: Source, message: string): void {
    this.problems.add(where.file, where.line, message)
  }

  #files(kind: FileKind): readonly CityFile[] {
    return this.#folder.files.filter((file) => file.kind === kind && file.text !== null)
  }

  #csvRows<S extends z.ZodObject>(file: CityFile, schema: S): Row<z.output<S>>[] {
    const { records, fault } = parseCsv(file.text ?? '')
    if (fault !== null) this.#fault(file, fault)
    const [header, ...body] = records
    const columns = header?.cells ?? []
    if (!this.#rightColumns(file, header?.line ?? 1, columns, schema)) return []
    return body.flatMap(({ line, cells }) => {
      const where = { file: file.name, line }
      if (cells.length !== columns.length) {
        this.problem(where, `has ${cells.length} cells where the header has ${columns.length}`)
        this.#lacking.add(file.kind)
        return []
      }
      const cellsByName = Object.fromEntries(columns.map((column, index) => [column, cells[index]]))
      const value = this.#parse(schema, cellsByName, where, file.kind, 'column')
      return value === null ? [] : [{ ...where, value }]
    })
  }

  #rightColumns(file: CityFile, line: number, columns: readonly string[], schema: z.ZodObject): boolean {
    const where = { file: file.name, line }
    const wanted = Object.keys(schema.shape)
    const needed = wanted.filter((column) => !(schema.shape[column] as z.ZodType).safeParse(undefined).success)
    const missing = needed.filter((column) => !columns.includes(column))
    const extra = columns.filter((column, index) => !wanted.includes(column) || columns.indexOf(column) !== index)
    if (missing.length > 0) this.problem(where, `columns are missing: ${missing.join(', ')}`)
    if (extra.length > 0) this.problem(where, `columns are unknown or twice: ${extra.map((c) => quote(c)).join(', ')}`)
    if (missing.length + extra.length > 0) this.#lacking.add(file.kind)
    return missing.length + extra.length === 0
  }

  #parse<S extends z.ZodObject>(schema: S, raw: unknown, where: Source, kind: FileKind, part: string) {
    const parsed = schema.safeParse(raw)
    if (parsed.success) return parsed.data
    this.#lacking.add(kind)
    for (const issue of parsed.error.issues) {
      if (issue.code === 'unrecognized_keys') {
        this.problem(where, `${part} ${issue.keys.map((key) => quote(key)).join(', ')}: is unknown`)
        continue
      }
      const name = issue.path.join('.')
      const value = typeof raw === 'object' && raw !== null ? (raw as Record<string, unknown>)[name] : raw
      this.problem(where, `${part} ${name}: ${issue.message}, not ${quote(value ?? null)}`)
    }
    return null
  }

  #fault(file: CityFile, fault: { readonly line: number | null; readonly message: string }): void {
    this.problems.add(file.name, fault.line, fault.message)
    this.#lacking.add(file.kind)
  }
}
