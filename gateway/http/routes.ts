import type { FastifyInstance } from 'fastify'
import { addCalls } from './calls.ts'
import { addDeadLetters } from './dead-letters.ts'
import { addDevices } from './devices.ts'
import { addErrands } from './errands.ts'
import { addIncidents } from './incidents.ts'
import { addIntents } from './intents.ts'
import { addLedger } from './ledger.ts'
import { addAttachments, addMessages } from './messages.ts'
import { addNotices } from './notices.ts'
import { addRelations } from './relations.ts'
import { addReporters } from './reporters.ts'
import type { RouteOptions } from './route-options.ts'
import { addSeatCalls } from './seat-calls.ts'
import { addSensors } from './sensors.ts'

/** `/v1`: what a core, an operator's tool or the console asks the gateway. */
export function addRoutes(app: FastifyInstance, options: RouteOptions): void {
  addIntents(app, options.prisma)
  addIncidents(app, options.prisma)
  addCalls(app, options)
  addSeatCalls(app, options)
  addRelations(app, options)
  addMessages(app, options)
  addAttachments(app, options)
  addDevices(app, options.prisma)
  addSensors(app, options.prisma)
  addLedger(app, options)
  addDeadLetters(app, options)
  addErrands(app, options)
  addNotices(app, options)
  addReporters(app, options)
}
