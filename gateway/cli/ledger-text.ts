import type { Ledger } from '../store/ledger.ts'

/** The ledger as a table for a terminal. */
export function formatLedger(ledger: Ledger): string {
  const reasons = (counts: Readonly<Record<string, number>>) =>
    Object.entries(counts)
      .map(([reason, n]) => `${reason} ${n}`)
      .join(', ')
  const total = (counts: Readonly<Record<string, number>>) => Object.values(counts).reduce((a, b) => a + b, 0)
  const table = [
    ['adapter', 'received', '=', 'stored', 'duplicate', 'filtered', 'dead', ''],
    ...ledger.channels.map((row) => [
      row.adapter,
      String(row.received),
      row.balanced ? '=' : '≠',
      String(row.stored),
      String(row.duplicate),
      String(total(row.filtered)),
      String(total(row.deadLettered)),
      [reasons(row.filtered), reasons(row.deadLettered)].filter((text) => text !== '').join('; '),
    ]),
    [],
    ['destination', 'events', '=', 'delivered', 'pending', 'dead', '', ''],
    ...ledger.destinations.map((row) => [
      row.destination,
      String(row.events),
      row.balanced ? '=' : '≠',
      String(row.delivered),
      String(row.pending),
      String(row.dead),
    ]),
  ]
  const widths = [0, 1, 2, 3, 4, 5, 6].map((column) => Math.max(...table.map((row) => (row[column] ?? '').length)))
  const lines = table.map((row) =>
    row
      .map((cell, column) =>
        column === 0 || column === 7 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd(),
  )
  return [...lines, '', ledger.balanced ? 'The ledger balances.' : 'THE LEDGER DOES NOT BALANCE.'].join('\n')
}
