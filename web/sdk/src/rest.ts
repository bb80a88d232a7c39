import type { Client } from 'openapi-fetch'
import type { paths } from './generated/api.ts'
import type { AuthSession } from './model.ts'
import type { SessionKeeper } from './session_keeper.ts'
import createClient from 'openapi-fetch'
import { wellFormedJson } from './json.ts'
import { ErrorCode, SimpleIMError } from './protocol.ts'

export type Api = Client<paths, 'application/json'>

export interface RestOptions {
  baseUrl: string
  keeper: SessionKeeper
  fetch: typeof globalThis.fetch
  /** The session has ended: revoked, or expired beyond renewal. */
  onSignedOut: () => void
  timeoutMs?: number
}

/** What a call of `Api` resolves to. */
export interface Envelope<Data> {
  data?: { data: Data }
  error?: unknown
  response: Response
}

/** Renew when less than this is left. */
const RENEW_BEFORE_MS = 24 * 3600_000
/** A token that is good for so long is used while it is being renewed. */
const GOOD_FOR_MS = 60_000
/** How long the tries of a read may take: the first may have gone out on a connection that is dead. */
const READ_TRIES_MS = [3_000, 6_000, 12_000]

/** REST with the session's token: renews it when it runs out, once for all tabs, and says when the session has ended. */
export class Rest {
  /** The typed calls; wrap them in call(). */
  readonly api: Api
  /** A way around REST, where there is one; undefined is no answer. */
  channel: ((request: Request) => Promise<Response | undefined>) | undefined
  /** Whose session it must be; a browser's other tab may have signed in somebody else. */
  owner: string | undefined
  private readonly options: RestOptions
  private renewing: Promise<AuthSession | undefined> | undefined

  constructor(options: RestOptions) {
    this.options = options
    this.api = createClient<paths>({
      baseUrl: options.baseUrl,
      fetch: request => this.fetch(request),
      bodySerializer: wellFormedJson,
    })
    this.api.use({
      onRequest: ({ request, schemaPath }) => {
        const token = options.keeper.load()?.token
        if (token && !['/api/login', '/api/register', '/api/refresh', '/api/server'].includes(schemaPath))
          request.headers.set('Authorization', `Bearer ${token}`)
        return request
      },
    })
  }

  private async fetch(request: Request): Promise<Response> {
    const answer = await this.channel?.(request)
    if (answer)
      return answer
    const { fetch, timeoutMs } = this.options
    if (request.method !== 'GET' || timeoutMs)
      return await fetch(request, { signal: AbortSignal.timeout(timeoutMs ?? 15_000) })
    for (const [n, ms] of READ_TRIES_MS.entries()) {
      try {
        return await fetch(request.clone(), { signal: AbortSignal.timeout(ms) })
      }
      catch (error) {
        // Only silence is worth another try; who cannot be reached is asked again by whoever needs it.
        if ((error as Error).name !== 'TimeoutError' || n === READ_TRIES_MS.length - 1)
          throw error
      }
    }
    throw new TypeError('no answer')
  }

  /** Makes a call, again with a new token when the old one has run out. Throws SimpleIMError. */
  async call<Data>(make: (api: Api) => Promise<Envelope<Data>>): Promise<Data> {
    try {
      return await this.once(make)
    }
    catch (error) {
      if (!isTokenError(error) || !this.options.keeper.load())
        throw error
      if (!await this.renew())
        throw error
      return await this.once(make)
    }
  }

  /** A token to open a socket with; undefined when there is no session (any more). Throws when the server is away. */
  async token(doubtful: boolean): Promise<string | undefined> {
    const session = this.options.keeper.load()
    if (!session || this.isForeign)
      return undefined
    if (doubtful) {
      try {
        await this.call(api => api.GET('/api/users/me'))
      }
      catch (error) {
        if (!isTokenError(error))
          throw error
      }
    }
    else if (session.expires_at - Date.now() < GOOD_FOR_MS) {
      await this.renew()
    }
    else if (session.expires_at - Date.now() < RENEW_BEFORE_MS) {
      void this.renew().catch(() => {}) // a later try has time enough
    }
    return this.options.keeper.load()?.token
  }

  private get isForeign(): boolean {
    return this.owner !== undefined && (this.options.keeper.load()?.user_id ?? this.owner) !== this.owner
  }

  private async once<Data>(make: (api: Api) => Promise<Envelope<Data>>): Promise<Data> {
    if (this.isForeign) {
      this.options.onSignedOut()
      throw new SimpleIMError(ErrorCode.tokenRevoked, 'somebody else has signed in here')
    }
    let answer: Envelope<Data>
    try {
      answer = await make(this.api)
    }
    catch {
      throw new SimpleIMError(ErrorCode.network, 'the server cannot be reached')
    }
    if (answer.data !== undefined && answer.response.ok)
      return answer.data.data
    throw errorOf(answer.error, answer.response)
  }

  /** One renewal at a time, over all tabs: a refresh token works once. */
  private async renew(): Promise<AuthSession | undefined> {
    const before = this.options.keeper.load()
    const exclusive = <T>(work: () => Promise<T>) =>
      typeof navigator !== 'undefined' && navigator.locks
        ? navigator.locks.request('simpleim:renew', work) as Promise<T>
        : work()
    this.renewing ??= exclusive(() => this.renewOnce(before)).finally(() => { this.renewing = undefined })
    return await this.renewing
  }

  private async renewOnce(before: AuthSession | undefined): Promise<AuthSession | undefined> {
    const session = this.options.keeper.load()
    if (!session || session.token !== before?.token)
      return session // another tab was faster
    try {
      const body = { refresh_token: session.refresh_token }
      const fresh = await this.once(api => api.POST('/api/refresh', { body }))
      const renewed = { ...session, token: fresh.token, refresh_token: fresh.refresh_token, expires_at: fresh.expires_at }
      this.options.keeper.save(renewed)
      return renewed
    }
    catch (error) {
      if (!isTokenError(error))
        throw error
      this.options.keeper.clear()
      this.options.onSignedOut()
      return undefined
    }
  }
}

function isTokenError(error: unknown): boolean {
  return error instanceof SimpleIMError && (error.code === ErrorCode.invalidToken || error.code === ErrorCode.tokenRevoked)
}

function errorOf(body: unknown, response: Response): SimpleIMError {
  const { code, error, details } = (typeof body === 'object' && body !== null ? body : {}) as {
    code?: number
    error?: string
    details?: { field?: string }
  }
  const retryAfterMs = Number(response.headers.get('retry-after') ?? 0) * 1000
  return new SimpleIMError(
    code ?? response.status * 100,
    error ?? `the server answered ${response.status}`,
    details?.field,
    retryAfterMs,
  )
}
