import { type CsvError, parse } from 'csv-parse/sync'

export interface CsvRecord {
  /** Line its first cell begins on. */
  readonly line: number
  readonly cells: readonly string[]
}

export interface CsvTable {
  readonly records: readonly CsvRecord[]
  /** The first fault of quoting. What follows it cannot be told apart and is not in `records`. */
  readonly fault: { readonly line: number; readonly message: string } | null
}

/** Comma-separated values as RFC 4180 has them, with the line of every record. */
export function parseCsv(text: string): CsvTable {
  let fault: CsvTable['fault'] = null
  const records: CsvRecord[] = []
  const lines = text.split('\n')
  let nextLine = 1
  parse(text, {
    skip_empty_lines: true,
    relax_column_count: true,
    skip_records_with_error: true,
    on_skip: (error) => {
      fault ??= describeFault(error, nextLine)
      return undefined
    },
    on_record: (cells: string[], { lines: lastLine }) => {
      if (fault === null) {
        // The parser counts to the end of a record, and a quoted cell may span lines.
        records.push({ line: lastLine - cells.reduce((sum, cell) => sum + newlines(cell), 0), cells })
        nextLine = lastLine + 1
        while (lines[nextLine - 1]?.trim() === '') nextLine++
      }
      return null
    },
  })
  return { records, fault }
}

/** The parser names the line on which it gave up; for an open quote that is the end of the file. */
function describeFault(error: CsvError | undefined, recordLine: number): { line: number; message: string } {
  if (error?.code === 'CSV_QUOTE_NOT_CLOSED') return { line: recordLine, message: 'a quote is opened and never closed' }
  if (error?.code === 'CSV_INVALID_CLOSING_QUOTE') {
    return { line: Number(error.lines ?? recordLine), message: 'text follows a closing quote' }
  }
  if (error?.code === 'INVALID_OPENING_QUOTE') {
    return {
      line: Number(error.lines ?? recordLine),
      message: 'a quote stands inside a cell that does not begin with one',
    }
  }
  return { line: recordLine, message: error?.message ?? 'cannot be read as comma-separated values' }
}

function newlines(cell: string): number {
  return cell.match(/\r\n|\n|\r/g)?.length ?? 0
}
