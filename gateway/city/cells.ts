import { z } from 'zod'
import { chinaBox } from './ring-check.ts'

/** What may stand in a cell of a city's tables. An empty cell is absent, never zero. */

export const text = () => z.string().min(1, 'must not be empty')

export const optionalText = () => z.string().transform((cell) => (cell === '' ? null : cell))

/** An id as devices, messages and file names can carry it. */
export const id = () =>
  z.string().regex(/^[0-9A-Za-z][0-9A-Za-z._-]{0,63}$/, 'must be letters, digits, dots and dashes')

export const digits = (length: number) => z.string().regex(new RegExp(`^[0-9]{${length}}$`), `must be ${length} digits`)

export const number = (min: number, max: number, what = `a number from ${min} to ${max}`) =>
  z.string().transform((cell, context) => {
    const value = /^[+-]?(\d+\.?\d*|\.\d+)$/.test(cell) ? Number(cell) : Number.NaN
    if (value >= min && value <= max) return value
    context.addIssue({ code: 'custom', message: `must be ${what}` })
    return z.NEVER
  })

export const integer = (min: number, max: number) =>
  number(min, max, `a whole number from ${min} to ${max}`).refine(Number.isInteger, `must be a whole number`)

export const latitude = () =>
  number(
    chinaBox.minLatitude,
    chinaBox.maxLatitude,
    `a latitude inside China (${chinaBox.minLatitude} to ${chinaBox.maxLatitude})`,
  )

export const longitude = () =>
  number(
    chinaBox.minLongitude,
    chinaBox.maxLongitude,
    `a longitude inside China (${chinaBox.minLongitude} to ${chinaBox.maxLongitude})`,
  )

/** Words with spaces between them; none when the cell is empty. */
export const list = () => z.string().transform((cell) => cell.split(/\s+/).filter((word) => word !== ''))

/** `HH:MM`; minutes from midnight. */
export const timeOfDay = () =>
  z
    .string()
    .regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'must be a time of day such as 06:30')
    .transform((cell) => Number(cell.slice(0, 2)) * 60 + Number(cell.slice(3)))

export const coordinateSystem = () => z.enum(['wgs84', 'gcj02', 'bd09', 'cgcs2000'])

export const urgency = () => z.enum(['normal', 'urgent', 'emergency'])

export const categoryKind = () => z.enum(['component', 'event'])

/** The columns of what stands at a place. */
export const placed = { latitude: latitude(), longitude: longitude(), grid: text() }

/** A number, or nothing. */
export const optionalNumber = (min: number, max: number) =>
  z.string().transform((cell, context) => {
    if (cell === '') return null
    const { data, error } = number(min, max).safeParse(cell)
    if (error === undefined) return data
    context.addIssue({ code: 'custom', message: error.issues[0]?.message ?? 'must be a number' })
    return z.NEVER
  })
