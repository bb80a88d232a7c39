import type { Alarms } from './alarms.ts'
import type { Frame } from './protocol.ts'
import { backoff } from './backoff.ts'
import { wellFormedJson } from './json.ts'
import { CloseCode, FrameType } from './protocol.ts'

/** The parts of WebSocket that are used; the browser's and the `ws` package's both fit. */
export interface Socket {
  readyState: number
  /** Which of the subprotocols the server has chosen, once it is open. */
  readonly protocol?: string
  binaryType?: string
  onopen: ((event: never) => void) | null
  onmessage: ((event: never) => void) | null
  onclose: ((event: never) => void) | null
  onerror: ((event: never) => void) | null
  send: (data: string | Uint8Array<ArrayBuffer>) => void
  close: (code?: number) => void
}
export type SocketFactory = (url: string, protocols: string[]) => Socket

export type Encoding = 'json' | 'protobuf'

/** Frames as binary messages (protobuf.ts). */
export interface FrameCodec {
  encodeFrame: (frame: Frame) => Uint8Array<ArrayBuffer>
  decodeFrame: (bytes: Uint8Array) => Frame
}

export type ConnectionState = 'connecting' | 'online' | 'offline' | 'replaced' | 'signed_out'

/** A socket that lives for so long works, whatever has come over it. */
const SETTLED_MS = 10_000

const JSON_FRAMES = 'simpleim.v1'
const BINARY_FRAMES = 'simpleim.v1.proto'

export interface ConnectionOptions {
  url: string
  /**
   * A good access token; undefined when the session has ended. Rejects when the server cannot be reached. `doubtful`:
   * ask the server whether it still takes it.
   */
  token: (doubtful: boolean) => Promise<string | undefined>
  openSocket: SocketFactory
  /** Asks for binary frames. A server that does not have them, or a codec that does not come, means JSON. */
  loadCodec?: () => Promise<FrameCodec>
  alarms: Alarms
  random: () => number
  onState: (state: ConnectionState) => void
  onFrame: (frame: Frame) => void
  heartbeatMs?: number
  /** How long an answer to a heartbeat may take, and the first opening of a socket. */
  answerMs?: number
}

/** In a browser a connection that died without a word is found within 8 + 5 s; programs do with less. */
const HEARTBEAT_MS = typeof document === 'undefined' ? 25_000 : 8_000
/** The next try after silence comes within this time. */
const AT_ONCE_MS = 100
/** When there is a reason to doubt: the tab is looked at again, the machine has slept. */
const DOUBT_MS = 2_000
/** How often the clock is looked at; when more has passed than this and a bit, the machine has slept. */
const TICK_MS = 2_000
const MAX_OPENING_MS = 20_000

/**
 * One WebSocket that stays: opens, beats, notices silence, comes back with back-off (docs/protocol.md, "Liveness").
 * It never queues: send() outside `online` returns false.
 */
export class Connection {
  private readonly options: Omit<Required<ConnectionOptions>, 'loadCodec'> & Pick<ConnectionOptions, 'loadCodec'>
  private socket: Socket | undefined
  private codec: FrameCodec | undefined
  private state: ConnectionState = 'offline'
  private attempt = 0
  private openedAt = 0
  /** The server does more than take sockets: it has said where the conversations stand, or kept this one for a while. */
  private settled = false
  private retryAfterMs = 0
  /** The server may not know the token any more: have it checked before the next try. */
  private doubtful = false
  private stopped = true
  private generation = 0
  private readonly cancels = new Map<string, () => void>()

  constructor(options: ConnectionOptions) {
    this.options = { heartbeatMs: HEARTBEAT_MS, answerMs: 5_000, ...options }
  }

  get isOnline(): boolean {
    return this.state === 'online'
  }

  start(): void {
    this.stopped = false
    this.attempt = 0
    if (!this.socket && this.state !== 'connecting')
      void this.open()
  }

  /** Closes for good; start() opens again. */
  stop(): void {
    this.stopped = true
    this.drop()
    this.enter('offline')
  }

  /** The tab became visible or the network returned: is the socket alive, or: try again now. */
  check(): void {
    if (this.stopped || this.state === 'replaced' || this.state === 'signed_out')
      return
    if (this.state === 'online')
      this.beat(DOUBT_MS)
    else if (this.state === 'offline' || Date.now() - this.openedAt > DOUBT_MS)
      void this.open()
  }

  send(frame: Frame): boolean {
    if (!this.socket || this.state !== 'online')
      return false
    const binary = this.codec && this.socket.protocol === BINARY_FRAMES
    this.socket.send(binary ? this.codec!.encodeFrame(frame) : wellFormedJson(frame))
    return true
  }

  /** Gives up on this socket and opens another. */
  restart(): void {
    if (!this.stopped)
      this.lost()
  }

  private enter(state: ConnectionState): void {
    if (this.state === state)
      return
    this.state = state
    this.options.onState(state)
  }

  private alarm(name: string, ms: number, ring: () => void): void {
    this.cancels.get(name)?.()
    this.cancels.set(name, this.options.alarms.set(ms, ring))
  }

  private cancel(name: string): void {
    this.cancels.get(name)?.()
    this.cancels.delete(name)
  }

  private drop(): void {
    this.generation++
    for (const cancel of this.cancels.values()) cancel()
    this.cancels.clear()
    const socket = this.socket
    this.socket = undefined
    if (!socket)
      return
    socket.onopen = socket.onmessage = socket.onclose = null
    socket.onerror = () => {}
    socket.close(1000)
  }

  private async open(): Promise<void> {
    this.drop()
    const generation = this.generation
    this.openedAt = Date.now()
    this.enter('connecting')
    let token: string | undefined
    try {
      const codec = this.codec ?? this.options.loadCodec?.().catch(() => undefined)
      ;[token, this.codec] = await Promise.all([this.options.token(this.doubtful), codec])
    }
    catch {
      if (generation === this.generation)
        this.lost()
      return
    }
    if (generation !== this.generation)
      return
    this.doubtful = false
    if (token === undefined)
      return this.enter('signed_out')
    this.connect(token)
  }

  private connect(token: string): void {
    let socket: Socket
    try {
      const encodings = this.codec ? [BINARY_FRAMES, JSON_FRAMES] : [JSON_FRAMES]
      socket = this.options.openSocket(this.options.url, [...encodings, `bearer.${token}`])
      socket.binaryType = 'arraybuffer'
    }
    catch {
      return this.lost()
    }
    this.socket = socket
    // Where the network is slow the first deadline is too short, and would be for ever.
    this.alarm('answer', Math.min(MAX_OPENING_MS, this.options.answerMs * 2 ** this.attempt), () => this.lost())
    socket.onopen = () => {
      this.cancel('answer')
      this.enter('online')
      this.tick(Date.now())
      this.alarm('settled', SETTLED_MS, () => { this.settled = true })
      this.scheduleBeat()
    }
    socket.onmessage = (event: { data: unknown }) => this.receive(event.data)
    socket.onclose = (event: { code: number }) => this.closed(event.code)
    socket.onerror = () => {}
  }

  private receive(data: unknown): void {
    this.cancel('answer')
    const frame = this.parse(data)
    if (!frame || frame.type === FrameType.heartbeat)
      return
    if (frame.type === FrameType.sync)
      this.settled = true
    if (frame.type === FrameType.error && typeof frame.content?.retry_after_ms === 'number')
      this.retryAfterMs = Math.min(frame.content.retry_after_ms, 30_000)
    this.options.onFrame(frame)
  }

  private parse(data: unknown): Frame | undefined {
    try {
      const value: unknown = typeof data === 'string' ? JSON.parse(data) : this.codec?.decodeFrame(new Uint8Array(data as ArrayBuffer))
      if (typeof value === 'object' && value !== null && typeof (value as Frame).type === 'number')
        return value as Frame
    }
    catch {
      // Not a frame of this protocol version; the connection goes on.
    }
    return undefined
  }

  private tick(last: number): void {
    this.alarm('tick', TICK_MS, () => {
      const now = Date.now()
      this.tick(now)
      if (now - last > TICK_MS + DOUBT_MS)
        this.beat(DOUBT_MS)
    })
  }

  private scheduleBeat(): void {
    this.alarm('beat', this.options.heartbeatMs, () => this.beat(this.options.answerMs))
  }

  private beat(answerMs: number): void {
    // Silence is the network's doing: the server is not in trouble, and nobody else comes back in the same moment.
    this.alarm('answer', answerMs, () => this.lost(AT_ONCE_MS))
    this.scheduleBeat()
    this.send({ type: FrameType.heartbeat, content: { timestamp: Date.now() } })
  }

  private closed(code: number): void {
    if (code === CloseCode.replaced) {
      this.drop()
      return this.enter('replaced')
    }
    // A refused upgrade looks like a dead network here; either way the token is worth a look.
    this.doubtful = code === CloseCode.revoked || this.state !== 'online'
    this.lost()
  }

  private lost(baseMs?: number): void {
    if (this.settled)
      this.attempt = 0
    const wasSettled = this.settled
    this.settled = false
    this.drop()
    if (this.stopped)
      return
    this.enter('offline')
    const drained = this.retryAfterMs
    this.retryAfterMs = 0
    // The first try after a working connection comes soon, still spread over clients.
    const wait = drained || backoff(wasSettled ? 0 : ++this.attempt, this.options.random, baseMs)
    this.alarm('retry', wait, () => void this.open())
  }
}
