import { degrees, padded, range, table } from './files.ts'
import { blocksAcross, blocksUp, type Grid, gridsPerBlock, type Layout, place, roadsAcross, roadsUp } from './layout.ts'
import { oldAddresses } from './old-town.ts'
import type { Random } from './random.ts'

const cameras = 118
const sensors = 40
const towers = 200
const components = 600

const owners = ['市城市管理局', '市交通运输局', '市应急管理局'] as const
const sensorKinds = [
  ['water-level', '水位'],
  ['rain', '雨量'],
  ['bridge', '桥梁'],
  ['manhole', '井盖'],
] as const
const componentKinds = [
  ['0101', '上水井盖'],
  ['0102', '污水井盖'],
  ['0103', '雨水井盖'],
  ['0104', '雨水箅子'],
  ['0118', '路灯'],
  ['0203', '公交站亭'],
  ['0209', '交通标志牌'],
  ['0210', '交通信号灯'],
  ['0301', '公共厕所'],
  ['0305', '垃圾箱'],
  ['0402', '行道树'],
  ['0407', '街头坐椅'],
] as const

export function equip(random: Random, layout: Layout): ReadonlyMap<string, string> {
  const { districts } = layout
  const subNumbers = [
    ...districts.map(({ code, name }, i) => ({ number: `12319${i + 1}`, district: code, name: `${name}城管热线` })),
  ]
  return new Map([
    ['components.csv', table(range(components).map((i) => component(random, layout, i)))],
    ['cameras.csv', table(range(cameras).map((i) => camera(random, layout, i)))],
    ['sensors.csv', table(range(sensors).map((i) => sensor(random, layout, i)))],
    ['addresses.csv', table(addressRows(layout))],
    ['towers.csv', table(range(towers).map((i) => tower(random, i)))],
    ['sub-numbers.csv', table(subNumbers)],
  ])
}

/** Every n-th grid of the city, so that things spread evenly, and a spot near its middle. */
function spot(random: Random, { grids }: Layout, i: number, of: number) {
  const grid = grids[Math.floor(((i + 0.5) * grids.length) / of)] as Grid
  const [longitude, latitude] = grid.centre
  return {
    latitude: degrees(latitude + random.between(-0.0003, 0.0003)),
    longitude: degrees(longitude + random.between(-0.0003, 0.0003)),
    grid: grid.code,
  }
}

function component(random: Random, layout: Layout, i: number) {
  const at = spot(random, layout, i, components)
  const [categoryCode, title] = componentKinds[i % componentKinds.length] ?? componentKinds[0]
  const state = random.next() < 0.95 ? '完好' : random.pick(['破损', '丢失', '废弃', '移除'])
  const id = `${at.grid.slice(0, 6)}${categoryCode}${padded(i + 1, 6)}`
  return { id, name: title, scheme: 'cjt214_2007', categoryCode, state, ...at }
}

function camera(random: Random, layout: Layout, i: number) {
  const at = spot(random, layout, i, cameras)
  return { id: `c-${padded(i + 1, 3)}`, name: `${i + 1}号监控点`, owner: owners[i % owners.length] ?? owners[0], ...at }
}

function sensor(random: Random, layout: Layout, i: number) {
  const at = spot(random, layout, i, sensors)
  const [kind, title] = sensorKinds[i % sensorKinds.length] ?? sensorKinds[0]
  return { id: `s-${padded(i + 1, 3)}`, name: `${i + 1}号${title}传感器`, kind, ...at }
}

/** House numbers along the roads, every second one on the other side, a few metres off the middle. */
function addressRows(layout: Layout) {
  const byPlan = new Map(layout.grids.map((grid) => [grid.centre.join(' '), grid.code]))
  const found: { id: string; text: string; latitude: number; longitude: number; grid: string }[] = []
  const add = (road: string, number: number, x: number, y: number) => {
    const grid = byPlan.get(place(Math.floor(x) + 0.5, Math.floor(y) + 0.5).join(' '))
    if (grid === undefined) return
    const [longitude, latitude] = place(x, y)
    found.push({ id: `a-${padded(found.length + 1, 4)}`, text: `${road}${number}号`, latitude, longitude, grid })
  }
  for (const step of range(62)) {
    const side = step % 2 === 0 ? 0.15 : -0.15
    for (const [i, road] of roadsAcross.entries()) {
      add(road, step + 1, (step + 0.5) * 1.35, i * gridsPerBlock + side)
    }
    for (const [i, road] of roadsUp.entries()) add(road, step + 1, i * gridsPerBlock + side, (step + 0.5) * 1.03)
  }
  const old = oldAddresses(layout).map((row, i) => ({ id: `a-${padded(found.length + i + 1, 4)}`, ...row }))
  return [...found, ...old]
}

/** Masts spread over the plan, three technologies on them, as OpenCelliD's export writes them. */
function tower(random: Random, i: number) {
  const x = ((i % 20) + random.next()) * ((blocksAcross * gridsPerBlock) / 20)
  const y = (Math.floor(i / 20) + random.next()) * ((blocksUp * gridsPerBlock) / 10)
  const [lon, lat] = place(x, y)
  const radio = (['GSM', 'LTE', 'LTE', 'UMTS', 'NR'] as const)[i % 5] ?? 'GSM'
  const net = i % 3 === 0 ? 1 : 0
  const range = radio === 'GSM' ? random.integer(500, 1500) : random.integer(200, 700)
  return {
    radio,
    mcc: 460,
    net,
    area: 9901 + Math.floor(i / 50),
    cell: (radio === 'GSM' || radio === 'UMTS' ? 10_000 : 99_010_000) + i + 1,
    unit: 0,
    lon,
    lat,
    range,
    samples: random.integer(3, 400),
    changeable: 1,
    created: 1_700_000_000,
    updated: 1_760_000_000,
    averageSignal: 0,
  }
}
