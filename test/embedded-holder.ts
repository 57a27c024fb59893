import { pino } from 'pino'
import { openEmbedded } from '../gateway/store/embedded.ts'

// A process that holds an embedded database until it is killed: says the child's pid, then nothing more.

const database = await openEmbedded({ folder: process.argv[2] ?? '', log: pino({ level: 'silent' }) })
process.stdout.write(`${database.pid}\n`)
