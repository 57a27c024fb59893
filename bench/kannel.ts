import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { freePort, listening } from './peers.ts'
import { temporaryFolder } from './processes.ts'

/**
 * Kannel as a user would set it up to take MO by SMPP and hand each on over HTTP, with its spool on: what it has
 * acknowledged is in a file. It never syncs that file, so it outlives the process and not the machine.
 */
export interface Kannel {
  readonly pids: readonly number[]
  close(): Promise<void>
}

/** Null when it is not installed. `sinkPort`: where its messages go. */
export async function startKannel(centrePort: number, sinkPort: number): Promise<Kannel | null> {
  const folder = temporaryFolder()
  const [admin, boxes, sendsms] = [await freePort(), await freePort(), await freePort()]
  await mkdir(join(folder, 'spool'))
  const file = join(folder, 'kannel.conf')
  await writeFile(file, configuration({ folder, centrePort, sinkPort, admin, boxes, sendsms }))
  const remove = () => rm(folder, { recursive: true, force: true })
  const launch = async (program: string, port: number) => {
    const child = spawn(program, [file], { stdio: 'ignore' })
    await listening(port, child)
    return child
  }
  const end = async (child: Awaited<ReturnType<typeof launch>>) => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const exited = once(child, 'exit')
    child.kill('SIGTERM')
    const timer = setTimeout(() => child.kill('SIGKILL'), 10_000)
    await exited
    clearTimeout(timer)
  }
  try {
    const bearerbox = await launch('/usr/sbin/bearerbox', boxes)
    const smsbox = await launch('/usr/sbin/smsbox', sendsms)
    return {
      pids: [bearerbox.pid ?? 0, smsbox.pid ?? 0],
      async close() {
        await end(smsbox)
        await end(bearerbox)
        await remove()
      },
    }
  } catch {
    await remove()
    return null
  }
}

interface Places {
  readonly folder: string
  readonly centrePort: number
  readonly sinkPort: number
  readonly admin: number
  readonly boxes: number
  readonly sendsms: number
}

function configuration({ folder, centrePort, sinkPort, admin, boxes, sendsms }: Places): string {
  return `group = core
admin-port = ${admin}
admin-interface = 127.0.0.1
admin-password = bench
smsbox-port = ${boxes}
smsbox-interface = 127.0.0.1
log-file = ${folder}/bearerbox.log
log-level = 3
store-type = spool
store-location = ${folder}/spool

group = smsc
smsc = smpp
smsc-id = bench
host = 127.0.0.1
port = ${centrePort}
transceiver-mode = true
smsc-username = bench
smsc-password = bench
system-type = ""
interface-version = 34
address-range = ""
enquire-link-interval = 30

group = smsbox
bearerbox-host = 127.0.0.1
sendsms-interface = 127.0.0.1
sendsms-port = ${sendsms}
log-file = ${folder}/smsbox.log
log-level = 3

group = sms-service
keyword = default
catch-all = true
omit-empty = true
max-messages = 0
get-url = "http://127.0.0.1:${sinkPort}/?from=%p&to=%P&text=%a"
`
}
