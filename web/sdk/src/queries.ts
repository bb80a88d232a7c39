import type { Alarms } from './alarms.ts'
import type { Frame } from './protocol.ts'
import { FrameType } from './protocol.ts'

/** How long an answer over the socket may take; then the question is asked over REST. */
const ANSWER_MS = 3_000
const MAX_WAITING = 8

/** What may be asked over the socket (docs/protocol.md, frame 61): what brings a client up to date. */
const ASKABLE = [
  /^GET \/api\/conversations$/,
  /^GET \/api\/conversations\/[^/]+\/(?:pins|receipts)$/,
  /^GET \/api\/messages\/(?:private|group)\/[^/]+$/,
  /^GET \/api\/messages\/[^/]+$/,
  /^GET \/api\/groups\/[^/]+$/,
  /^GET \/api\/users\/[^/]+$/,
  /^POST \/api\/files\/urls$/,
]

/**
 * REST over the socket. After sleep or a forgotten NAT entry the browser's idle connections are as dead as the old
 * socket was, and a request waits for each of them; the new socket is the one way that is known to live.
 */
export class Queries {
  private readonly alarms: Alarms
  private readonly send: (frame: Frame) => boolean
  private readonly basePath: string
  private readonly waiting = new Map<string, (answer: Response | undefined) => void>()
  private last = 0

  /** `basePath`: where on its origin the server is, as "/chat" or "". */
  constructor(alarms: Alarms, send: (frame: Frame) => boolean, basePath: string) {
    this.alarms = alarms
    this.send = send
    this.basePath = basePath
  }

  /** Undefined: not to be had this way (now). */
  async ask(request: Request): Promise<Response | undefined> {
    const { pathname, search } = new URL(request.url)
    const path = pathname.slice(this.basePath.length)
    if (this.waiting.size >= MAX_WAITING || !ASKABLE.some(one => one.test(`${request.method} ${path}`)))
      return undefined
    const ref = `q${++this.last}`
    const body = request.method === 'GET' ? undefined : await request.clone().json() as unknown
    return await new Promise((resolve) => {
      const cancel = this.alarms.set(ANSWER_MS, () => this.settle(ref, undefined))
      this.waiting.set(ref, (answer) => {
        cancel()
        resolve(answer)
      })
      const content = { ref, method: request.method, path: path + search, ...(body === undefined ? {} : { body }) }
      if (!this.send({ type: FrameType.query, content }))
        this.settle(ref, undefined)
    })
  }

  /** An answer; one that did not fit into a frame, or came too late, is none. */
  hear(frame: Frame): void {
    const { ref, status, body } = frame.content ?? {}
    this.settle(String(ref), status === 413 ? undefined : Response.json(body ?? {}, { status: Number(status) }))
  }

  /** The socket has gone. */
  lost(): void {
    for (const ref of [...this.waiting.keys()]) this.settle(ref, undefined)
  }

  private settle(ref: string, answer: Response | undefined): void {
    const settle = this.waiting.get(ref)
    this.waiting.delete(ref)
    settle?.(answer)
  }
}
