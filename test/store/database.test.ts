import { MemoryLevel } from 'memory-level'
import { expect, test } from 'vitest'
import { openStore } from '../../src/index.ts'

test('a database that a store holds is refused, and free again once it is closed', async () => {
  const db = new MemoryLevel()
  const store = await openStore({ db })
  await expect(openStore({ db })).rejects.toMatchObject({ code: 'SESSIONLOG_LOCKED' })
  await store.save('cart-42', { items: 1 })
  await store.close()
  const again = await openStore({ db })
  expect(again.get('cart-42')).toEqual({ items: 1 })
  await again.close()
})
