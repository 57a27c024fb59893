import { createHash } from 'node:crypto'
import { exifPlace } from '../attachments/picture.ts'
import type { Report } from '../report.ts'
import type { BatchRows } from './rows.ts'

type WithFiles = Extract<Report, { attachments: unknown }>

const carriesFiles = (report: Report): report is WithFiles => 'attachments' in report

/** Bytes inside a report become files named by their own SHA-256, whatever the sender claims they hash to. */
export function keepFiles(reports: readonly Report[], rows: BatchRows): readonly Report[] {
  const carries = (report: Report) => carriesFiles(report) && report.attachments.length > 0
  if (!reports.some(carries)) return reports
  return reports.map((report) => {
    if (!carriesFiles(report)) return report
    const attachments = report.attachments.map((attachment) => {
      if (attachment.content === null) return attachment
      const sha256 = createHash('sha256').update(attachment.content).digest('hex')
      rows.files.push({ sha256, content: attachment.content })
      return { ...attachment, sha256, place: report.kind === 'text' ? exifPlace(attachment.content) : null }
    })
    return { ...report, attachments }
  })
}
