import t from 'tap'
import { isInternational, maskedSubscriber, subscriberUri } from '../gateway/subscriber.ts'

t.test('a subscriber’s number is one, however it is written', async (t) => {
  for (const written of ['13800138000', '8613800138000', '+8613800138000', '008613800138000', 'tel:+86 138-0013-8000'])
    t.equal(subscriberUri(written, '86'), 'tel:+8613800138000', written)
  t.equal(subscriberUri('8613800138000', '86', true), 'tel:+8613800138000')
  t.equal(subscriberUri('051487654321', '86'), 'tel:+8651487654321', 'a trunk zero is no part of it')
})

t.test('services and names have no international form, so no machine is answered', async (t) => {
  for (const service of ['12319', '110', '106575551234', '1069012345678', '4008001234', 'BANK'])
    t.equal(isInternational(subscriberUri(service, '86')), false, service)
  t.equal(subscriberUri('4008001234', '44'), 'tel:+444008001234', 'the prefixes are China’s')
})

t.test('a log shows the last four digits of a subscriber at most', async (t) => {
  t.equal(maskedSubscriber('tel:+8613800138000'), 'tel:…8000')
  t.equal(maskedSubscriber('tel:12319'), 'tel:12319')
})
