import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { collect } from '../support/outcome.ts'
import { create, directoryOf, reopen } from '../support/store.ts'

interface Cart {
  items: { sku: string; by: string }[]
}

describe('The test that broke under Windows: ten callers make 100 rapid saves each of one session', () => {
  const callers = Array.from({ length: 10 }, (_, n) => `caller-${n}`)

  test('un-awaited: all are durable, in the order of the calls', async () => {
    const store = await create<Cart>()
    await store.save('cart', { items: [] })
    const saves = callers.flatMap(actor =>
      Array.from({ length: 100 }, (_, n) =>
        store.edit('cart', draft => void draft.items.push({ sku: `sku-${n}`, by: actor }), { actor }),
      ),
    )
    const receipts = await Promise.all(saves)
    expect(receipts.map(receipt => receipt.version)).toEqual(receipts.map((_, n) => n + 2))
    await check(await reopen(store))
  })

  test('each awaiting their own: none is lost, whoever comes in between', async () => {
    const store = await create<Cart>()
    await store.save('cart', { items: [] })
    await Promise.all(
      callers.map(async actor => {
        for (let n = 0; n < 100; n++) {
          await store.edit('cart', draft => void draft.items.push({ sku: `sku-${n}`, by: actor }), { actor })
        }
      }),
    )
    await check(await reopen(store))
  })

  async function check(store: Awaited<ReturnType<typeof create<Cart>>>) {
    const { items } = store.get('cart')!
    expect(items).toHaveLength(1_000)
    for (const actor of callers) {
      const skus = items.filter(item => item.by === actor).map(item => item.sku)
      expect(skus).toEqual(Array.from({ length: 100 }, (_, n) => `sku-${n}`))
    }
    const events = await collect(store.history('cart'))
    expect(events.map(event => event.version)).toEqual(Array.from({ length: 1_001 }, (_, n) => n + 1))
    for (const { actor, version, changes } of events.slice(1)) {
      expect(changes).toMatchObject([
        { op: 'splice', path: '/items', index: version - 2, insert: [{ by: actor }] },
      ])
    }
    await store.compact()
    const folder = join(directoryOf(store as never), 'sessions_v3')
    expect(readdirSync(folder)).toEqual(['cart.json'])
    expect(JSON.parse(readFileSync(join(folder, 'cart.json'), 'utf8'))).toMatchObject({
      sessionId: 'cart',
      version: 1_001,
      state: { items },
    })
    expect(await store.verify()).toMatchObject({ ok: true, position: 1_001 })
  }
})

test('A save by one user does not wait for the many of another', async () => {
  const store = await create<{ n: number }>()
  const order: string[] = []
  const many = Array.from({ length: 500 }, (_, n) => store.save('busy', { n }).then(() => order.push('busy')))
  const one = store.save('quiet', { n: 1 }).then(() => order.push('quiet'))
  await Promise.all([...many, one])
  // They went into the same commit.
  expect(order.indexOf('quiet')).toBe(500)
  const [last] = await collect(store.history('busy', { from: 500 }))
  const [quiet] = await collect(store.history('quiet'))
  expect(quiet!.position).toBe(last!.position + 1)
})
