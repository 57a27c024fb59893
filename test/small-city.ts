import { emptyGazetteer } from '../gateway/city/build-gazetteer.ts'
import type {
  AlarmRule,
  Camera,
  Category,
  CategoryScheme,
  City,
  Component,
  Department,
  GridFinding,
  MessageTemplate,
  Place,
  Point,
  Sensor,
  Subject,
  Tower,
  VehicleRule,
} from '../gateway/city/city.ts'
import { metresBetween } from '../gateway/triage/distance.ts'

/**
 * A city small enough to be known by heart: one district of 10 × 10 grids of 0.001 degrees whose south-west corner is
 * 32.390 N, 119.400 E. Grid r (row from the south) c (column from the west) is `321002001001rc`.
 */
export const corner = { latitude: 32.39, longitude: 119.4 } as const
const gridDegrees = 0.001
const district: Place = { code: '321002', name: '广陵区' }
const street: Place = { code: '321002001', name: '东关街道' }
const community: Place = { code: '321002001001', name: '琼花观社区' }

/** The middle of a grid. */
export function middle(row: number, column: number): Point {
  return {
    latitude: corner.latitude + (row + 0.5) * gridDegrees,
    longitude: corner.longitude + (column + 0.5) * gridDegrees,
  }
}

function locate({ latitude, longitude }: Point, radiusM: number | null): GridFinding | null {
  const row = Math.floor((latitude - corner.latitude) / gridDegrees + 1e-9)
  const column = Math.floor((longitude - corner.longitude) / gridDegrees + 1e-9)
  if (!(row >= 0 && row < 10 && column >= 0 && column < 10)) return null
  const others: { grid: string; apartM: number }[] = []
  for (let r = 0; r < 10; r++) {
    for (let c = 0; c < 10; c++) {
      if (radiusM === null || (r === row && c === column)) continue
      const south = corner.latitude + r * gridDegrees
      const west = corner.longitude + c * gridDegrees
      const nearest = [clamp(latitude, south, gridDegrees), clamp(longitude, west, gridDegrees)] as const
      const apartM = metresBetween(latitude, longitude, ...nearest)
      if (apartM < radiusM) others.push({ grid: gridCode(r, c), apartM })
    }
  }
  const alternatives = others.sort((a, b) => a.apartM - b.apartM).map(({ grid }) => grid)
  const alternativesCut = alternatives.length > 8
  return {
    grid: gridCode(row, column),
    community,
    street,
    district,
    alternatives: alternatives.slice(0, 8),
    alternativesCut,
  }
}

const clamp = (value: number, low: number, size: number) => Math.min(low + size, Math.max(low, value))
const gridCode = (row: number, column: number) => `321002001001${row}${column}`

const towers = new Map<string, Tower>([
  ['460-0-100-1', { radio: 'LTE', ...middle(5, 5), rangeM: 400, samples: 50 }],
  ['460-0-100-2', { radio: 'LTE', ...middle(5, 9), rangeM: 400, samples: 20 }],
  ['460-0-100-3', { radio: 'GSM', ...middle(9, 5), rangeM: 0, samples: 1 }],
  // A row that somebody mistyped: Beijing.
  ['460-0-100-9', { radio: 'LTE', latitude: 39.9, longitude: 116.4, rangeM: 500, samples: 3 }],
])

function person(id: string, kind: Subject['kind'], more: Partial<Subject> = {}): Subject {
  return {
    id,
    kind,
    name: id,
    company: null,
    phone: null,
    coordinateSystem: 'wgs84',
    workGrids: [],
    routeId: null,
    shiftId: null,
    workAreaId: null,
    ...more,
  }
}

const subjects = [
  person('c1', 'collector', { name: '王芳', company: { code: 'A', name: '甲采集公司' }, phone: '13900000001' }),
  person('c2', 'collector', { coordinateSystem: 'gcj02' }),
  person('l1', 'leader', { name: '李主任' }),
  person('v1', 'vehicle', { name: '苏K00001', routeId: 'r1' }),
  person('v2', 'vehicle', { workAreaId: 'w1' }),
  person('v3', 'vehicle', { shiftId: 'night' }),
  person('v4', 'vehicle', { routeId: 'r1', shiftId: 'day' }),
]

const cjt214 = scheme('cjt214_2007', [
  category('component', '0101', '上水井盖', ['自来水井盖']),
  category('component', '0102', '污水井盖'),
  category('component', '0301', '公共厕所'),
  category('component', '0501', '宣传栏'),
  category('event', '0102', '暴露垃圾', ['垃圾成堆', '乱倒垃圾']),
  category('event', '0103', '积存垃圾渣土'),
  category('event', '0199', '其他'),
  category('event', '0299', '其他'),
  { ...category('event', '0403', '路面塌陷'), emergency: true },
  category('event', '0501', '无照经营游商'),
  category('event', '0502', '店外经营'),
])
const gbt47678 = scheme('gbt47678_5_2026', [
  category('component', '01001', '供水井盖'),
  category('event', '01001', '供水井盖异常'),
  category('event', '06002', '暴露垃圾'),
  category('event', '09001', '店外经营'),
])

function category(kind: Category['kind'], code: string, zh: string, words: readonly string[] = []): Category {
  return { kind, code, zh, en: `${kind} ${code}`, majorCode: code.slice(0, 2), majorZh: '', words, emergency: false }
}

function scheme(id: string, categories: readonly Category[]): CategoryScheme {
  return {
    id,
    title: id,
    categories,
    lexicon: { words: [], concepts: new Map() },
    byCode: (kind, code) => categories.find((one) => one.kind === kind && one.code === code) ?? null,
  }
}

const components = new Map<string, Component>([
  [
    '3210020102000007',
    {
      id: '3210020102000007',
      scheme: 'cjt214_2007',
      categoryCode: '0102',
      grid: gridCode(5, 5),
      state: 'sound',
      name: '污水井盖',
    },
  ],
])

export const rules: readonly VehicleRule[] = [
  rule('off', 'off-route', { distanceM: 50 }),
  rule('stand', 'standing', { distanceM: 40, afterS: 600 }),
  rule('shift', 'outside-shift', { speedKmh: 5 }),
]

export function rule(id: string, what: VehicleRule['what'], more: Partial<VehicleRule> = {}): VehicleRule {
  const category = { scheme: 'cjt214_2007', kind: 'event', code: '0502' } as const
  return { id, what, afterS: 60, clearAfterS: 60, distanceM: 0, speedKmh: 0, category, urgency: 'normal', ...more }
}

const cameras: readonly Camera[] = [
  { id: 'cam-1', name: '1号监控点', owner: '城管局', grid: gridCode(3, 3), component: null, ...middle(3, 3) },
  {
    id: 'cam-2',
    name: '2号监控点',
    owner: '城管局',
    grid: gridCode(7, 7),
    component: '3210020102000007',
    ...middle(7, 7),
  },
]

const sensors: readonly Sensor[] = [
  { id: 'level-1', name: '1号水位', kind: 'water-level', grid: gridCode(4, 4), component: null, ...middle(4, 4) },
]

/** The most specific first, as a city has them. */
export const alarmRules: readonly AlarmRule[] = [
  alarmRule('cam-2', 'VMD', { category: null }),
  alarmRule('water-level', 'very-high', { urgency: 'urgent', joinS: 10, clearAfterS: null, stuckAfterS: 3600 }),
  alarmRule('water-level', 'high', { joinS: 10, clearAfterS: null, stuckAfterS: 3600 }),
  alarmRule('camera', 'VMD', { chatterPerMinute: 30, stuckAfterS: 3600 }),
  alarmRule('camera', 'field*', {}),
  alarmRule('camera', 'smoke', { urgency: 'emergency' }),
  alarmRule('camera', 'loitering', { afterS: 120, category: { scheme: 'cjt214_2007', kind: 'event', code: '0501' } }),
]

export function alarmRule(subject: string, event: string, more: Partial<AlarmRule> = {}): AlarmRule {
  const category = { scheme: 'cjt214_2007', kind: 'event', code: '0502' } as const
  const times = { joinS: 60, afterS: 0, clearAfterS: 300, chatterPerMinute: null, stuckAfterS: null }
  return { subject, event, part: null, category, urgency: 'normal', ...times, ...more }
}

function template(id: string, text: string, more: Partial<MessageTemplate> = {}): MessageTemplate {
  return { id, audience: 'citizen', title: null, text, urgent: false, stage: null, ...more }
}

export const templates: readonly MessageTemplate[] = [
  template('received', '已收到您的反映，查询号{queryNumber}。'),
  template('state', '查询号{queryNumber}：{state}', { urgent: true }),
  template('help', '未能识别您的内容，请写明什么问题、在什么路几号。'),
  template('rejected', '您反映的问题（{queryNumber}）不受理：{reason}', { stage: 'rejected' }),
  template('closed', '您反映的问题（{queryNumber}）已办结。', { stage: 'closed', title: '办结' }),
  template('verify', '您有核实任务，请查收！案件编号：{caseNumber}', { audience: 'collector', urgent: true }),
  template('forwarded', '{department}有新任务，请登录系统查收！案件编号：{caseNumber}', { audience: 'department' }),
]

export const departments: readonly Department[] = [
  { code: 'd1', name: '市政公司', phones: ['13800000001', '13800000002'], dutyHours: null },
  { code: 'd2', name: '园林局', phones: ['13800000003'], dutyHours: { startMinute: 480, endMinute: 1080 } },
  { code: 'd3', name: '空号局', phones: [], dutyHours: null },
]

/** The route r1 runs from west to east through the middle of row 2, with a tolerance of 30 m. */
const routeLatitude = middle(2, 0).latitude

export const smallCity: City = {
  name: 'small',
  version: '7',
  defaultScheme: 'cjt214_2007',
  gridScheme: 'cjt213_2005',
  timeZone: 'Asia/Shanghai',
  countryCode: '86',
  subjectByPhone: () => null,
  districtOfNumber: () => null,
  locate,
  tower: (mcc, mnc, lac, cell) => towers.get(`${mcc}-${mnc}-${lac}-${cell}`) ?? null,
  subject: (id) => subjects.find((one) => one.id === id) ?? null,
  subjects,
  gridCentre: (grid) => {
    const cell = /^321002001001(\d)(\d)$/.exec(grid)
    return cell === null ? null : middle(Number(cell[1]), Number(cell[2]))
  },
  component: (id) => components.get(id) ?? null,
  schemeIds: [cjt214.id, gbt47678.id],
  scheme: (id) => [cjt214, gbt47678].find((one) => one.id === id) ?? null,
  route: (id) =>
    id !== 'r1'
      ? null
      : {
          id,
          line: [middle(2, 0), middle(2, 9)],
          toleranceM: 30,
          distanceM: ({ latitude }) => Math.abs(latitude - routeLatitude) * 111_195,
        },
  shift: (id) => {
    if (id === 'night') return { id, startMinute: 22 * 60, endMinute: 6 * 60 }
    return id === 'day' ? { id, startMinute: 6 * 60, endMinute: 18 * 60 } : null
  },
  workArea: (id) => (id === 'w1' ? { id, contains: (point) => locate(point, null) !== null } : null),
  vehicleRules: rules,
  camera: (id) => cameras.find((one) => one.id === id) ?? null,
  sensor: (id) => sensors.find((one) => one.id === id) ?? null,
  alarmRules,
  template: (id, audience) =>
    templates.find((one) => one.id === id && (audience === undefined || one.audience === audience)) ?? null,
  department: (code) => departments.find((one) => one.code === code) ?? null,
  gazetteer: emptyGazetteer,
  counts: {},
}
