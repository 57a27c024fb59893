import modbusSerial from 'modbus-serial'

/** The library alone, as a user would write it: every unit in turn, awaited, then the rest of the second is slept. */
const [port, units, registers, timeoutMs] = process.argv.slice(2).map(Number)
if (port === undefined || units === undefined || registers === undefined || timeoutMs === undefined) process.exit(64)

const client = new (modbusSerial as unknown as typeof modbusSerial.default)()
await client.connectTCP('127.0.0.1', { port })
client.setTimeout(timeoutMs)
process.stdin.once('end', () => process.exit(0)).resume()
for (;;) {
  const began = performance.now()
  for (let unit = 1; unit <= units; unit++) {
    client.setID(unit)
    await client.readHoldingRegisters(0, registers).catch(() => {})
  }
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, began + 1000 - performance.now())))
}
