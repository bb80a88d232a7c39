import type { Frame, Socket } from '../src/index.ts'
import type { Message, Reaction } from '../src/model.ts'

export type Random = () => number

/** mulberry32: the same seed gives the same run. */
export function seeded(seed: number): Random {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6D2B79F5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

/** Alarms that ring when the test says that time has passed. */
export class ManualAlarms {
  now = 0
  private readonly waiting = new Map<number, { at: number, ring: () => void }>()
  private last = 0

  set(ms: number, ring: () => void): () => void {
    const id = ++this.last
    this.waiting.set(id, { at: this.now + ms, ring })
    return () => this.waiting.delete(id)
  }

  advance(ms: number): void {
    this.now += ms
    const due = [...this.waiting].filter(([, alarm]) => alarm.at <= this.now).sort((a, b) => a[1].at - b[1].at)
    for (const [id, alarm] of due) {
      if (this.waiting.delete(id))
        alarm.ring()
    }
  }
}

class FakeSocket implements Socket {
  readyState = 1
  onopen: (() => void) | null = null
  onmessage: ((event: { data: string }) => void) | null = null
  onclose: ((event: { code: number }) => void) | null = null
  onerror: (() => void) | null = null
  private readonly server: FakeServer

  constructor(server: FakeServer) {
    this.server = server
    queueMicrotask(() => this.onopen?.())
  }

  send(data: string | Uint8Array): void {
    this.server.receive(this, JSON.parse(String(data)) as Frame)
  }

  close(): void {
    this.readyState = 3
    this.server.sockets.delete(this)
  }

  cut(code = 1006): void {
    this.close()
    this.onclose?.({ code })
  }
}

export interface Chaos {
  /** Chances, 0 to 1, that a pushed frame is lost, comes twice, or late. */
  lose: number
  double: number
  late: number
  /** The chance that an ACK is lost. */
  loseAck: number
}

export const CALM: Chaos = { lose: 0, double: 0, late: 0, loseAck: 0 }

/** One user's server: what the SDK asks of it, with a network that loses, doubles and mixes up what it pushes. */
export class FakeServer {
  readonly me = 'user_aaaaaaaaaaaaa'
  readonly sockets = new Set<FakeSocket>()
  readonly conversations = new Map<string, Message[]>()
  readonly read = new Map<string, number>()
  readonly delivered = new Map<string, number>()
  readonly frames: Frame[] = []
  chaos: Chaos = CALM
  refuse: { code: number, error: string } | undefined
  requests: string[] = []
  opened = 0
  down = false
  /** The session is over. */
  revoked = false
  private readonly reacting = new Map<string, Set<string>>()
  private late: Frame[] = []
  private readonly random: Random

  constructor(random: Random) {
    this.random = random
  }

  conversation(peer: string): string {
    const id = this.me < peer ? `private:${this.me}:${peer}` : `private:${peer}:${this.me}`
    if (!this.conversations.has(id))
      this.conversations.set(id, [])
    return id
  }

  /** Somebody writes. */
  store(id: string, from: string, text: string, message_id = `m-${id.slice(-4)}-${(this.conversations.get(id)?.length ?? 0) + 1}`): Message {
    const list = this.conversations.get(id)!
    const message: Message = { message_id, type: 1, from, to: this.me, conversation_id: id, seq: list.length + 1, timestamp: 1000 + list.length, content: { text } }
    list.push(message)
    return message
  }

  say(id: string, from: string, text: string): void {
    this.push({ ...this.store(id, from, text) })
  }

  /** Somebody recalls, edits, reacts or pins: an entry of the sequence that changes an earlier one, as the server does it. */
  operate(id: string, from: string, type: number, asked: Record<string, unknown>, message_id = `o-${id.slice(-4)}-${(this.conversations.get(id)?.length ?? 0) + 1}`): Message | undefined {
    const list = this.conversations.get(id)!
    const target = list.find(message => message.message_id === asked.message_id)
    if (!target || target.type > 7 || target.recalled_at)
      return undefined
    const entry: Message = { message_id, type, from, to: this.me, conversation_id: id, seq: list.length + 1, timestamp: 1000 + list.length, content: { ...asked, seq: target.seq } }
    list.push(entry)
    if (type === 32) {
      Object.assign(target, { content: { recalled: true }, version: entry.seq, recalled_at: entry.timestamp, recalled_by: from })
      delete target.edited_at
      delete target.reactions
      for (const edit of list) {
        if (edit.type === 35 && edit.content.seq === target.seq)
          edit.content = { message_id: target.message_id, seq: target.seq }
      }
    }
    if (type === 35)
      Object.assign(target, { content: asked.content, version: entry.seq, edited_at: entry.timestamp })
    if (type === 36) {
      const key = `${id} ${target.seq} ${String(asked.emoji)}`
      const users = this.reacting.get(key) ?? new Set<string>()
      this.reacting.set(key, users)
      asked.add ? users.add(from) : users.delete(from)
      entry.content.count = users.size
      const others = (target.reactions ?? []).filter(reaction => reaction.emoji !== asked.emoji)
      const mine: Reaction = { emoji: String(asked.emoji), count: users.size, mine: users.has(this.me), user_ids: [...users] }
      target.reactions = users.size > 0 ? [...others, mine] : others
    }
    return structuredClone(entry)
  }

  push(frame: Frame): void {
    const { lose, double, late } = this.chaos
    if (this.random() < lose)
      return
    if (this.random() < late)
      return void this.late.push(frame)
    this.deliver(frame)
    if (this.random() < double)
      this.deliver(frame)
    if (this.late.length > 0 && this.random() < 0.5)
      this.deliver(this.late.splice(Math.floor(this.random() * this.late.length), 1)[0]!)
  }

  deliver(frame: Frame): void {
    for (const socket of this.sockets) socket.onmessage?.({ data: JSON.stringify(frame) })
  }

  /** What was held back arrives, in any order. */
  release(): void {
    for (const frame of this.late.splice(0).sort(() => this.random() - 0.5)) this.deliver(frame)
  }

  sync(): void {
    this.deliver({ type: 60, content: { conversations: [], has_more: false } })
  }

  cut(code?: number): void {
    for (const socket of [...this.sockets]) socket.cut(code)
  }

  open = (): Socket => {
    if (this.down)
      throw new Error('refused')
    const socket = new FakeSocket(this)
    this.opened++
    this.sockets.add(socket)
    queueMicrotask(() => queueMicrotask(() => this.sync()))
    return socket
  }

  receive(socket: FakeSocket, frame: Frame): void {
    this.frames.push(frame)
    if (frame.type === 31) {
      const { conversation_id, seq } = frame.content as { conversation_id: string, seq: number }
      this.read.set(conversation_id, Math.max(this.read.get(conversation_id) ?? 0, seq))
    }
    if (frame.type === 61)
      void this.query(socket, frame)
    if (frame.type === 99)
      socket.onmessage?.({ data: '{"type":99,"content":{"timestamp":1}}' })
    if (frame.type === 1 || (frame.type && frame.type >= 32 && frame.type <= 39 && ![33, 34, 37].includes(frame.type)))
      this.take(socket, frame)
  }

  private take(socket: FakeSocket, frame: Frame): void {
    const id = this.conversation(frame.to!)
    const list = this.conversations.get(id)!
    let content: Record<string, unknown>
    const known = list.find(message => message.message_id === frame.message_id)
    const stored = this.refuse ? undefined : known ?? (frame.type === 1
      ? this.store(id, this.me, String(frame.content?.text), frame.message_id)
      : this.operate(id, this.me, frame.type, frame.content ?? {}, frame.message_id))
    if (stored)
      content = { message_id: stored.message_id, conversation_id: id, seq: stored.seq, timestamp: stored.timestamp }
    else
      content = this.refuse ? { ...this.refuse } : { code: 40401, error: 'no such message' }
    if (this.random() < this.chaos.loseAck)
      return
    queueMicrotask(() => socket.onmessage?.({ data: JSON.stringify({ type: 30, message_id: frame.message_id, content }) }))
  }

  fetch = async (input: RequestInfo | URL): Promise<Response> => {
    const url = new URL(input instanceof Request ? input.url : String(input))
    this.requests.push(url.pathname)
    if (this.down)
      throw new TypeError('refused')
    if (this.revoked)
      return Response.json({ code: 40103, error: 'token revoked or expired' }, { status: 401 })
    const data = this.answer(url)
    if (!data)
      return Response.json({ code: 40401, error: 'not found' }, { status: 404 })
    return Response.json({ code: 0, message: 'success', data })
  }

  /** Nothing is heard when the socket goes silent in the middle. */
  private async query(socket: FakeSocket, frame: Frame): Promise<void> {
    const { ref, path } = frame.content as { ref: string, path: string }
    const answer = await this.fetch(`http://server${path}`)
    socket.onmessage?.({ data: JSON.stringify({ type: 61, content: { ref, status: answer.status, body: await answer.json() } }) })
  }

  private answer(url: URL): unknown {
    const [, , resource, kind, id] = url.pathname.split('/')
    if (resource === 'conversations')
      return { conversations: [...this.conversations.keys()].flatMap(key => this.listed(key)), next_cursor: '' }
    if (resource === 'users')
      return { user_id: kind, username: kind, nickname: `Nick ${kind}`, bio: '', avatar_file_id: '', online: false, last_seen: 0 }
    if (resource === 'messages')
      return this.page(this.conversation(id!), url.searchParams)
    return undefined
  }

  private listed(id: string) {
    const list = this.conversations.get(id)!
    if (list.length === 0)
      return []
    const read_seq = this.read.get(id) ?? 0
    const peer = id.split(':').find(part => part.startsWith('user_') && part !== this.me)!
    return [{
      conversation_id: id,
      type: 'private',
      peer: { user_id: peer, username: peer, nickname: `Nick ${peer}` },
      last_message: list.filter(message => message.type <= 7).at(-1),
      last_seq: list.length,
      read_seq,
      delivered_seq: Math.min(this.delivered.get(id) ?? 0, list.length),
      peer_read_seq: 0,
      peer_delivered_seq: 0,
      unread: this.unread(id),
      mentioned_seq: 0,
      pinned: false,
      muted: false,
      archived: false,
    }]
  }

  unread(id: string): number {
    const read_seq = this.read.get(id) ?? 0
    return this.conversations.get(id)!.filter(message => message.seq > read_seq && message.from !== this.me && message.type <= 7 && !message.recalled_at).length
  }

  private page(id: string, query: URLSearchParams) {
    const list = this.conversations.get(id)!
    const limit = Number(query.get('limit') ?? 50)
    if (query.has('after_seq')) {
      const after = list.filter(message => message.seq > Number(query.get('after_seq')))
      return { messages: structuredClone(after.slice(0, limit)), has_more: after.length > limit, as_of: list.length }
    }
    const last = Number(query.get('last_seq') ?? 0)
    const before = last > 0 ? list.filter(message => message.seq < last) : list
    return { messages: structuredClone(before.slice(-limit)), has_more: before.length > limit, as_of: list.length }
  }
}
