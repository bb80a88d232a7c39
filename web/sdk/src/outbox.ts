import type { Alarms } from './alarms.ts'
import type { Emitter } from './emitter.ts'
import type { Events, Message, Outgoing } from './model.ts'
import type { Frame } from './protocol.ts'
import type { LocalStore } from './store/local_store.ts'
import { ErrorCode, isOperation } from './protocol.ts'

export interface OutboxOptions {
  me: string
  store: LocalStore
  alarms: Alarms
  /** False when the socket is not there. */
  send: (frame: Frame) => boolean
  /** The queue as the store has it. */
  onLoaded: (entries: Outgoing[]) => void
  /** The server stored it. */
  onStored: (message: Message) => void
  /** Nothing came back in time: the socket may be dead. */
  onSilence: () => void
  events: Pick<Emitter<Events>, 'emit'>
}

/** Sent and not acknowledged, at most. */
const WINDOW = 8
/** Stays below the server's limit of messages a second, so that a long queue is not refused. */
const PER_SECOND = 40
const ACK_MS = 10_000
/** UTF-16 units of a content as JSON: three bytes each fit into a frame, and the server says what it takes of that. */
const MAX_CONTENT = 250_000
const RETRY_LATER = new Set<number>([ErrorCode.rateLimited, ErrorCode.unavailable, ErrorCode.draining])

/**
 * Sends what waits in the store's queue, in order, each message exactly once: it stays in the queue until the server
 * has acknowledged it, and is sent again with the same id, which the server knows, after every reconnect.
 */
export class Outbox {
  private readonly options: OutboxOptions
  private readonly waiting = new Map<string, Outgoing>()
  private readonly inFlight = new Set<string>()
  /** Acknowledged on this connection, and on their way through the inbox. */
  private readonly stored = new Set<string>()
  private cancelPace: (() => void) | undefined
  private cancelAck: (() => void) | undefined
  private online = false
  private sentThisSecond = 0

  constructor(options: OutboxOptions) {
    this.options = options
  }

  /** Reads what the store has queued since the last time. */
  async load(): Promise<void> {
    const entries = await this.options.store.outgoing()
    const ids = new Set(entries.map(entry => entry.message_id))
    for (const id of this.waiting.keys()) {
      if (!ids.has(id))
        this.forget(id)
    }
    for (const entry of entries) this.waiting.set(entry.message_id, entry)
    this.options.onLoaded(entries)
    this.pump()
  }

  has(messageId: string): boolean {
    return this.waiting.has(messageId)
  }

  connected(): void {
    this.online = true
    this.inFlight.clear()
    this.stored.clear()
    this.pump()
  }

  disconnected(): void {
    this.online = false
    this.inFlight.clear()
    this.cancelAck?.()
    this.cancelPace?.()
    this.cancelPace = undefined
  }

  /** The message is stored and shown. */
  forget(messageId: string): void {
    this.waiting.delete(messageId)
    this.inFlight.delete(messageId)
    this.stored.delete(messageId)
  }

  /** An ACK frame (30). */
  acknowledge(frame: Frame): void {
    const entry = this.waiting.get(frame.message_id ?? '')
    this.inFlight.delete(frame.message_id ?? '')
    this.watch()
    if (!entry)
      return this.pump()
    const content = frame.content ?? {}
    if (typeof content.code === 'number' && content.code !== 0)
      return this.refused(entry, content.code, String(content.error ?? ''), Number(content.retry_after_ms ?? 1000))
    const { message_id, conversation_id, type, to, group_id } = entry
    this.stored.add(message_id)
    this.options.onStored({
      message_id,
      conversation_id: String(content.conversation_id ?? conversation_id),
      type,
      from: this.options.me,
      ...(to ? { to } : {}),
      ...(group_id ? { group_id } : {}),
      content: entry.content,
      seq: Number(content.seq),
      timestamp: Number(content.timestamp),
    })
    this.pump()
  }

  private refused(entry: Outgoing, code: number, text: string, retryAfterMs: number): void {
    if (RETRY_LATER.has(code))
      return this.pause(Math.min(Math.max(retryAfterMs, 200), 30_000))
    if (isOperation(entry.type))
      return void this.drop(entry, code, text)
    const failed: Outgoing = { ...entry, state: 'failed', error: { code, text } }
    this.waiting.set(entry.message_id, failed)
    this.options.events.emit('outgoing', failed)
    void this.options.store.apply({ outgoing: [failed] })
    this.pump()
  }

  /** An operation that is not possible is not tried again. */
  private async drop(entry: Outgoing, code: number, text: string): Promise<void> {
    const { message_id, conversation_id } = entry
    this.forget(message_id)
    await this.options.store.apply({ settled: [message_id] })
    this.options.events.emit('settled', { conversation_id, message_id })
    this.options.events.emit('refused', { entry, code, text })
    this.pump()
  }

  /** Sends no more for a while, then goes on with the first that waits. */
  private pause(ms: number): void {
    this.cancelPace?.()
    this.cancelPace = this.options.alarms.set(ms, () => {
      this.cancelPace = undefined
      this.sentThisSecond = 0
      this.pump()
    })
  }

  private pump(): void {
    if (!this.online || this.cancelPace)
      return
    for (const entry of [...this.waiting.values()].sort((a, b) => a.order - b.order)) {
      if (this.inFlight.size >= WINDOW)
        return
      if (entry.state !== 'queued' || this.inFlight.has(entry.message_id) || this.stored.has(entry.message_id))
        continue
      if (this.sentThisSecond >= PER_SECOND)
        return this.pause(1000)
      const { message_id, type, to, group_id } = entry
      const content = onTheWire(entry.content)
      // A frame that the server would not even read would come back first after each reconnection, before all others.
      if (JSON.stringify(content).length > MAX_CONTENT)
        return this.refused(entry, ErrorCode.tooLarge, 'this is too large to be sent', 0)
      const frame: Frame = { message_id, type, content, ...(to ? { to } : {}), ...(group_id ? { group_id } : {}) }
      if (!this.options.send(frame))
        return
      if (this.sentThisSecond++ === 0)
        this.options.alarms.set(1000, () => { this.sentThisSecond = 0 })
      this.inFlight.add(message_id)
      this.watch()
    }
  }

  private watch(): void {
    this.cancelAck?.()
    if (this.inFlight.size > 0)
      this.cancelAck = this.options.alarms.set(ACK_MS, () => this.options.onSilence())
  }
}

/** Without what the server takes from its own store: the messages of a merged forward. */
function onTheWire(content: Record<string, unknown>): Record<string, unknown> {
  const merged = content.merged as { message_ids?: unknown, messages?: unknown } | undefined
  if (!merged?.messages || !merged.message_ids)
    return content
  const { text: _, ...rest } = content
  return { ...rest, merged: { message_ids: merged.message_ids } }
}
