/** Why a report became no position, in words for people; the keys are what the ledger counts. */
export const filterReasons = {
  'no-fix': 'there is neither a satellite fix nor a cell that the city knows',
  'not-a-number': 'a coordinate or a time is missing or is no number',
  'out-of-range': 'latitude is beyond 90 or longitude beyond 180 degrees',
  'null-island': 'the coordinates are 0/0, as receivers without a fix send them',
  'bad-accuracy': 'the fix is too inaccurate to be of use',
  'double-conversion': 'the coordinates were converted already and claim another system',
  'future-time': 'the time is ahead of the receipt',
  'ancient-time': 'the time is too long before the receipt',
  'duplicate-fix': 'the same subject was at the same place at the same time already',
  'impossible-jump': 'nobody gets there that fast from the last place',
} as const

export type FilterReason = keyof typeof filterReasons
