import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { until } from './modbus-stage.ts'
import { launch, type Program } from './smpp-far-ends.ts'

/** pymodbus, mbpoll and socat's pseudo-terminals: far ends that nobody here wrote. */

/** Debian's own: another Python in the path has not its modules. */
const python = '/usr/bin/python3'

export function missingPymodbus(): string | false {
  try {
    execFileSync(python, ['-c', 'import pymodbus, serial, serial_asyncio'], { stdio: 'ignore' })
    return false
  } catch {
    return 'python3-pymodbus, python3-serial or python3-serial-asyncio is not installed'
  }
}

/**
 * Two units whose registers pymodbus's own payload builder has filled, in each of its orders. zero_mode: without it its
 * blocks are off by one. Unit 1's register 0 counts to 20, one every 100 ms.
 */
const server = `
import asyncio, sys, threading
from pymodbus.constants import Endian
from pymodbus.datastore import ModbusSequentialDataBlock, ModbusServerContext, ModbusSlaveContext, ModbusSparseDataBlock
from pymodbus.payload import BinaryPayloadBuilder
from pymodbus.server import StartAsyncSerialServer, StartAsyncTcpServer
from pymodbus.transaction import ModbusRtuFramer, ModbusSocketFramer

def registers(byte, word):
    built = BinaryPayloadBuilder(byteorder=byte, wordorder=word)
    built.add_16bit_int(-1234)
    built.add_32bit_uint(3000000000)
    built.add_32bit_int(-2000000000)
    built.add_32bit_float(3.14)
    built.add_64bit_float(0.000123456789)
    return [0, *built.to_registers()]

def unit(byte, word):
    return ModbusSlaveContext(
        zero_mode=True,
        hr=ModbusSequentialDataBlock(0, registers(byte, word)),
        ir=ModbusSequentialDataBlock(0, [0x1234, 0x7FC0, 0x0000, 65535]),
        co=ModbusSequentialDataBlock(0, [1, 0, 1, 1, 0, 0, 0, 0, 1, 0]),
        di=ModbusSequentialDataBlock(0, [0, 1]),
    )

first = unit(Endian.Big, Endian.Big)
context = ModbusServerContext(slaves={1: first, 2: unit(Endian.Big, Endian.Little)}, single=False)

def count(n):
    first.setValues(3, 0, [n])
    if n < 20:
        threading.Timer(0.1, count, [n + 1]).start()

async def serve():
    count(0)
    if sys.argv[1] == 'tcp':
        await StartAsyncTcpServer(context=context, address=('127.0.0.1', int(sys.argv[2])), framer=ModbusSocketFramer)
    elif sys.argv[1] == 'rtu-over-tcp':
        await StartAsyncTcpServer(context=context, address=('127.0.0.1', int(sys.argv[2])), framer=ModbusRtuFramer)
    else:
        await StartAsyncSerialServer(context=context, port=sys.argv[2], baudrate=19200, framer=ModbusRtuFramer)

asyncio.run(serve())
`

export function pymodbusServer(t: Test, transport: 'tcp' | 'rtu-over-tcp' | 'serial', where: string): Program {
  return launch(t, python, ['-c', server, transport, where])
}

/** A serial line without a wire: two ends of it. */
export async function serialLine(t: Test): Promise<readonly [string, string]> {
  const folder = mkdtempSync(join(tmpdir(), 'chengguan-line-'))
  const ends = [join(folder, 'a'), join(folder, 'b')] as const
  const line = launch(t, 'socat', ['-d', '-d', ...ends.map((end) => `pty,raw,echo=0,link=${end}`)])
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  await until('the line is there', () => line.said().includes('starting data transfer loop'))
  return ends
}

/** What pymodbus's registers are, as its builder was told. */
export const pymodbusMap = (order: 'abcd' | 'cdab') => ({
  gap: 0,
  points: [
    { point: 'counter', function: 'holding', address: 0 },
    { point: 's16', function: 'holding', address: 1, type: 's16' },
    { point: 'u32', function: 'holding', address: 2, type: 'u32', order },
    { point: 's32', function: 'holding', address: 4, type: 's32', order },
    { point: 'f32', function: 'holding', address: 6, type: 'f32', order },
    { point: 'f64', function: 'holding', address: 8, type: 'f64', order },
    { point: 'bcd', function: 'input', address: 0, type: 'bcd16' },
    { point: 'nan', function: 'input', address: 1, type: 'f32' },
    { point: 'none', function: 'input', address: 3, none: [65_535] },
    ...[0, 1, 2, 8].map((address) => ({ point: `coil-${address}`, function: 'coil', address })),
    ...[0, 1].map((address) => ({ point: `input-${address}`, function: 'discrete', address })),
    { point: 'beyond', function: 'holding', address: 500 },
  ],
})

export const pymodbusValues: Readonly<Record<string, number | null>> = {
  ...{ s16: -1234, u32: 3_000_000_000, s32: -2_000_000_000, f32: 3.14, f64: 0.000123456789 },
  ...{ bcd: 1234, nan: null, none: null },
  ...{ 'coil-0': 1, 'coil-1': 0, 'coil-2': 1, 'coil-8': 1, 'input-0': 0, 'input-1': 1 },
  beyond: null,
}
