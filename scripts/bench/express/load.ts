import { load } from '../peers/packages.ts'

/** What clients saw in one slice. */
export interface Slice {
  /** Requests a second. */
  readonly rate: number
  /** Of a request, in ms. */
  readonly p99: number
}

interface Result {
  readonly requests: { readonly total: number }
  readonly latency: { readonly p99: number }
  readonly duration: number
  readonly errors: number
  readonly non2xx: number
}

type Autocannon = (options: object) => Promise<Result>
type Client = {
  setHeadersAndBody(headers: object, body?: string): void
  setRequests(requests: object[]): void
}

const CLIENTS = 64
/** As an app's visitors do: mostly they look. */
const VISIT = ['POST /edit', 'GET /view', 'GET /view', 'GET /view']

/** Clients of one app, each logged in with a session of its own. */
export class Clients {
  readonly #url: string
  readonly #cookies: readonly string[]

  private constructor(url: string, cookies: readonly string[]) {
    this.#url = url
    this.#cookies = cookies
  }

  static async of(port: number): Promise<Clients> {
    const url = `http://127.0.0.1:${port}`
    const cookies = await Promise.all(Array.from({ length: CLIENTS }, () => login(url)))
    return new Clients(url, cookies)
  }

  /** All clients at once, each its next request when the last one was answered. */
  async visit(sliceMs: number): Promise<Slice> {
    const cookies = this.#cookies.values()
    const result = await load<Autocannon>('autocannon')({
      url: this.#url,
      connections: CLIENTS,
      duration: sliceMs / 1000,
      // Each at another place of its visit: all of them in step would be one burst.
      setupClient: (client: Client) => client.setRequests(requestsOf(cookies.next().value!)),
    })
    if (result.errors > 0 || result.non2xx > 0)
      throw new Error(`${result.errors} requests failed, ${result.non2xx} were refused`)
    return { rate: result.requests.total / result.duration, p99: result.latency.p99 }
  }
}

let turn = 0

function requestsOf(cookie: string): object[] {
  const from = turn++ % VISIT.length
  return VISIT.map((_, at) => {
    const [method, path] = VISIT[(from + at) % VISIT.length]!.split(' ')
    return { method, path, headers: { cookie } }
  })
}

async function login(url: string): Promise<string> {
  const response = await fetch(`${url}/login`, { method: 'POST' })
  const cookie = response.headers.get('set-cookie')?.split(';')[0]
  if (!response.ok || cookie === undefined) throw new Error(`No session: ${response.status}`)
  return cookie
}
