import type { Category } from '../gateway/city/city.ts'

/** What the crowd complains of: how often, which category of the scheme, and what people say of it. */
export interface Complaint {
  /** Relative to the others. */
  readonly share: number
  readonly kind: Category['kind']
  readonly code: string
  readonly sayings: readonly string[]
}

export const crowdScheme = 'cjt214_2007'

const event = (share: number, code: string, ...sayings: string[]): Complaint => ({
  share,
  kind: 'event',
  code,
  sayings,
})
const component = (share: number, code: string, ...sayings: string[]): Complaint => ({
  share,
  kind: 'component',
  code,
  sayings,
})

export const complaints: readonly Complaint[] = [
  event(9, '0102', '垃圾堆了好几天没人收', '有一堆垃圾，臭得很', '生活垃圾倒了一地', '乱扔垃圾，苍蝇都来了'),
  event(8, '0505', '车子乱停，路都堵死了', '有车违停', '私家车停在人行道上', '停满了车，消防车进不来'),
  event(7, '0501', '流动摊贩占了半条路', '有人推三轮车卖水果，挡路', '小摊小贩又来了', '卖菜的把路占了'),
  event(5, '0110', '路面坑坑洼洼', '马路上有个大坑', '人行道地砖碎了绊人', '路破得不像样'),
  event(5, '0301', '半夜还在施工，吵得睡不着', '工地凌晨打桩', '夜间施工扰民', '施工噪音太大'),
  event(5, '0404', '下水道堵了', '污水往外冒', '下水道返水，臭气熏天', '阴沟堵住了，水下不去'),
  event(4, '0201', '贴满了小广告', '电线杆上全是办证广告', '墙上喷了好多小广告'),
  event(4, '0504', '店家把桌椅摆到人行道上', '店门口摆货占道', '出店经营没人管'),
  event(4, '0506', '共享单车乱放', '电动车停得乱七八糟', '电瓶车把盲道占了'),
  event(3, '0406', '积水很深', '一下雨就积水', '路面积水过不去'),
  event(3, '0103', '有人倒建筑垃圾', '装修垃圾堆在路边', '一大堆渣土没人清'),
  event(3, '0116', '饭店油烟熏人', '油烟直排，窗户不敢开', '油烟味太重了'),
  event(3, '0508', '店铺喇叭太吵', '音响从早放到晚', '高音喇叭叫卖'),
  event(3, '0105', '河里漂着垃圾', '河水又黑又臭', '水面上一层绿藻'),
  event(3, '0510', '露天烧烤乌烟瘴气', '烧烤摊又出来了', '有人在路边烤串'),
  event(2, '0101', '有人违章搭建', '楼顶在搭铁皮棚', '私自盖房子'),
  event(2, '0104', '路面很脏没人扫', '地上全是泥'),
  event(2, '0106', '绿化带里全是垃圾', '绿地被踩得不成样子，脏乱差'),
  event(2, '0112', '渣土车撒了一路', '路上洒了好多石子'),
  event(2, '0302', '工地灰太大了', '工地扬尘，不洒水'),
  event(2, '0402', '自来水管爆了', '水管破裂，水喷得老高'),
  event(2, '0507', '路边乱堆东西', '杂物堆在路上'),
  event(1, '0107', '有辆僵尸车停了一年', '废弃汽车没人拖'),
  event(1, '0115', '有人烧垃圾', '在烧树叶，烟很大'),
  event(1, '0117', '有只死狗', '路上有死猫'),
  event(1, '0118', '有人养鸡，臭', '邻居养鸭子天天叫'),
  event(1, '0401', '路面塌陷了', '地面塌了一个洞'),
  event(1, '0403', '闻到煤气味', '燃气管道漏气'),
  event(1, '0408', '电线掉下来了', '电缆拖在地上'),
  event(1, '0502', '有人乞讨', '有流浪汉睡在这里'),
  event(1, '0503', '收废品的占道', '收破烂的堆得到处都是'),
  event(1, '0511', '沿街晾衣服', '晾了一排被子'),
  component(6, '0118', '路灯不亮', '路灯坏了', '路灯一闪一闪的', '三盏路灯都灭了'),
  component(3, '0102', '污水井盖没了', '污水井的盖子破了'),
  component(2, '0103', '雨水井盖丢了', '雨水井盖翘起来了'),
  component(2, '0104', '雨水箅子堵了', '雨水篦子坏了'),
  component(2, '0210', '红绿灯坏了', '红绿灯不亮'),
  component(2, '0305', '垃圾桶坏了', '垃圾箱盖子没了'),
  component(2, '0402', '树要倒了', '行道树枯死了', '树枝断了挂着'),
  component(1, '0211', '护栏倒了', '交通护栏被撞坏'),
  component(1, '0301', '公厕没水', '公共厕所太脏'),
  component(1, '0113', '消防栓漏水', '消火栓坏了'),
  component(1, '0126', '健身器材坏了'),
  component(1, '0203', '公交站亭玻璃碎了', '公交站牌倒了'),
]
