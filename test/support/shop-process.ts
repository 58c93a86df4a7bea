/** The Express shop in a process of its own: `shop-process.ts DIR`; tells its parent where it listens. */
import { openStore } from '../../src/index.ts'
import { expressShop } from './shops.ts'

const store = await openStore({ dir: process.argv[2]! })
const { url } = await expressShop(store)
process.send!(url)
