import type { Alarms } from './alarms.ts'
import type { Encoding, SocketFactory } from './connection.ts'
import type { Emitter } from './emitter.ts'
import type { History } from './history.ts'
import type { ListedRow, Row } from './inbox.ts'
import type { CallSignal, ConnectionStatus, Events, Message } from './model.ts'
import type { Frame } from './protocol.ts'
import type { Rest } from './rest.ts'
import type { LocalStore } from './store/local_store.ts'
import { Connection } from './connection.ts'
import { GroupChanges } from './group_changes.ts'
import { Inbox } from './inbox.ts'
import { Marks } from './marks.ts'
import { Outbox } from './outbox.ts'
import { FrameType, groupOf, isOperation, peerOf, SHOWN, SimpleIMError } from './protocol.ts'
import { Queries } from './queries.ts'
import { Uploads } from './uploads.ts'

export interface EngineOptions {
  me: string
  sessionId: string
  url: string
  rest: Rest
  store: LocalStore
  history: History
  rows: Map<string, Row>
  events: Pick<Emitter<Events>, 'emit'>
  alarms: Alarms
  openSocket: SocketFactory
  encoding: Encoding
  random: () => number
  /** Whose presence the tabs want to know, at most 200. */
  watched: () => string[]
}

/** Conversations whose newest page is fetched ahead, so that they open at once and offline. */
const PREFETCH = 20
const STALLED_MS = 5_000

/** What the leading tab runs: the socket, and all that goes in and out of it. */
export class Engine {
  private readonly options: EngineOptions
  private readonly connection: Connection
  private readonly outbox: Outbox
  private readonly uploads: Uploads
  private readonly inbox: Inbox
  private readonly marks: Marks
  private readonly queries: Queries
  private readonly groups: GroupChanges
  private refreshing = false
  private refreshAgain = false
  private cancelWatch: (() => void) | undefined
  private cancelStalled: (() => void) | undefined
  private stopped = false

  constructor(options: EngineOptions) {
    this.options = options
    const { me, store, history, rows, events, alarms, rest } = options
    const send = (frame: Frame) => this.connection.send(frame)
    const baseUrl = options.url.replace(/^ws/, 'http').replace(/\/ws$/, '')
    this.connection = new Connection({
      url: `${options.url}?sync=summary`,
      token: doubtful => rest.token(doubtful),
      openSocket: options.openSocket,
      loadCodec: options.encoding === 'protobuf' ? () => import('./protobuf.ts') : undefined,
      alarms,
      random: options.random,
      onState: state => this.stateChanged(state),
      onFrame: frame => this.receive(frame),
    })
    this.marks = new Marks(alarms, send)
    this.queries = new Queries(alarms, send, new URL(baseUrl).pathname.replace(/\/$/, ''))
    this.groups = new GroupChanges({ ...options, change: (id, change) => this.inbox.change(id, change) })
    this.uploads = new Uploads({
      baseUrl,
      store,
      rest,
      alarms,
      events,
      onUploaded: () => this.queueChanged(),
    })
    this.outbox = new Outbox({
      onLoaded: entries => this.uploads.load(entries),
      me,
      store,
      alarms,
      send,
      events,
      onStored: message => this.inbox.accept(message),
      onSilence: () => this.connection.restart(),
    })
    this.inbox = new Inbox({
      me,
      store,
      history,
      rows,
      events: {
        emit: (name, payload) => {
          if (name === 'settled')
            this.outbox.forget((payload as Events['settled']).message_id)
          events.emit(name, payload)
        },
      },
      describe: id => this.describe(id),
      isQueued: id => this.outbox.has(id),
      onHeld: (id, seq) => this.marks.delivered(id, seq),
      onRead: (id, seq) => this.marks.read(id, seq),
      onGroupEvent: (group, event) => this.groups.changed(group, event),
      onStalled: () => this.stalled(),
    })
  }

  async start(): Promise<void> {
    await this.outbox.load()
    if (!this.stopped)
      this.connection.start()
  }

  stop(): void {
    this.stopped = true
    this.options.rest.channel = undefined
    this.queries.lost()
    this.cancelStalled?.()
    this.cancelWatch?.()
    this.groups.stop()
    this.uploads.stop()
    this.outbox.disconnected()
    this.connection.stop()
  }

  /** The tab became visible, the network returned, or the user asks to connect again. */
  check(force = false): void {
    if (force)
      this.connection.start()
    else
      this.connection.check()
  }

  /** The queue in the store changed. */
  queueChanged(): void {
    void this.outbox.load()
  }

  markRead(conversationId: string, seq: number): void {
    this.inbox.change(
      conversationId,
      row => (seq > row.read_seq ? { read_seq: Math.min(seq, row.last_seq) } : undefined),
      () => this.marks.read(conversationId, seq),
    )
  }

  /** Fields of a row that were changed by this user. */
  changeRow(conversationId: string, patch: Partial<Row>): void {
    this.inbox.change(conversationId, () => patch)
  }

  introduce(row: Row): void {
    this.inbox.introduce(row)
  }

  typing(conversationId: string): void {
    this.connection.send({ type: FrameType.typing, content: { conversation_id: conversationId } })
  }

  signal({ type, call_id, to, content }: CallSignal): void {
    this.connection.send({ type, to, content: { ...content, call_id } })
  }

  /** Asks for the presence of all that are watched; calls of one moment become one. */
  watchPresence(): void {
    this.cancelWatch ??= this.options.alarms.set(50, () => {
      this.cancelWatch = undefined
      this.subscribePresence()
    })
  }

  private subscribePresence(): void {
    this.connection.send({ type: FrameType.presence, content: { user_ids: this.options.watched().slice(0, 200) } })
  }

  // ---------------------------------------------------------------- frames

  private stateChanged(state: ConnectionStatus['state']): void {
    if (this.stopped)
      return
    const { rest } = this.options
    rest.channel = state === 'online' ? request => this.queries.ask(request) : undefined
    if (state === 'online') {
      this.outbox.connected()
      this.marks.connected()
      this.subscribePresence()
    }
    else {
      this.queries.lost()
      this.outbox.disconnected()
    }
    this.options.events.emit('connection', { state, since: Date.now() })
  }

  private receive(frame: Frame): void {
    const { events, me } = this.options
    const content = frame.content ?? {}
    const id = String(content.conversation_id ?? frame.conversation_id ?? '')
    const from = frame.from ?? ''
    if (isMessage(frame))
      return this.inbox.accept(frame)
    if (frame.type >= FrameType.callInvite && frame.type <= FrameType.callBusy)
      return events.emit('call', { type: frame.type, call_id: String(content.call_id), from, to: frame.to ?? '', content })
    switch (frame.type) {
      case FrameType.ack: return this.outbox.acknowledge(frame)
      case FrameType.sync: return void this.refresh()
      case FrameType.query: return this.queries.hear(frame)
      case FrameType.read: return this.readMark(id, from, Number(content.seq))
      case FrameType.delivered:
        return this.inbox.change(id, row => (from === me || row.type === 'group'
          ? undefined
          : { peer_delivered_seq: Math.max(row.peer_delivered_seq, Number(content.seq)) }))
      case FrameType.typing:
        return events.emit('typing', { conversation_id: id, user_id: from })
      case FrameType.error:
        return events.emit('call_refused', { call_id: String(content.ref ?? ''), code: Number(content.code), text: String(content.error ?? '') })
      case FrameType.presence:
        return events.emit('presence', {
          user_id: String(content.user_id ?? ''),
          online: content.online === true,
          last_seen: Number(content.last_seen ?? 0),
        })
      case FrameType.conversation: return this.settings(id, content)
    }
  }

  private readMark(id: string, from: string, seq: number): void {
    if (from === this.options.me)
      return this.inbox.change(id, row => (seq > row.read_seq ? { read_seq: Math.min(seq, row.last_seq) } : undefined))
    this.inbox.change(id, row => ({
      peer_read_seq: Math.max(row.peer_read_seq, seq),
      peer_delivered_seq: Math.max(row.peer_delivered_seq, seq),
    }))
  }

  private settings(id: string, content: Record<string, unknown>): void {
    this.inbox.change(id, row => ({
      pinned: content.pinned === true,
      muted: content.muted === true,
      archived: content.archived === true,
      // The device that wrote the draft knows better what has been typed since.
      draft: row.draft_unsynced || content.session_id === this.options.sessionId ? row.draft : String(content.draft ?? ''),
    }))
  }

  // ---------------------------------------------------------------- the list

  /** Brings the rows up to date with the server's; runs after every connect (frame 60). */
  private async refresh(): Promise<void> {
    if (this.refreshing) {
      this.refreshAgain = true
      return
    }
    this.refreshing = true
    try {
      const known = new Map(Array.from(this.options.rows.values(), row => [row.conversation_id, row.last_seq]))
      const rows: ListedRow[] = []
      for (let cursor = ''; ;) {
        const query = { limit: 200, ...(cursor ? { cursor } : {}) }
        const page = await this.options.rest.call(api => api.GET('/api/conversations', { params: { query } }))
        rows.push(...page.conversations.map(toRow))
        cursor = page.next_cursor
        if (!cursor)
          break
      }
      this.inbox.reconcile(rows, known, true)
      await this.inbox.settled()
      this.inbox.resume()
      this.options.events.emit('synced', { at: Date.now() })
      void this.prefetch()
    }
    catch {
      this.stalled()
    }
    finally {
      this.refreshing = false
      if (this.refreshAgain) {
        this.refreshAgain = false
        void this.refresh()
      }
    }
  }

  /** Something could not be fetched although the socket may be there: once more, later. */
  private stalled(): void {
    this.cancelStalled ??= this.options.alarms.set(STALLED_MS, () => {
      this.cancelStalled = undefined
      if (this.connection.isOnline)
        void this.refresh()
    })
  }

  private async prefetch(): Promise<void> {
    const newest = [...this.options.rows.values()]
      .filter(row => row.last_seq > 0)
      .sort((a, b) => (b.last_message?.timestamp ?? 0) - (a.last_message?.timestamp ?? 0))
      .slice(0, PREFETCH)
    for (const row of newest) {
      if (this.stopped || !this.connection.isOnline)
        return
      try {
        await this.options.history.before(row.conversation_id, row.last_seq + 1, 50)
      }
      catch {
        return // reading ahead is a courtesy
      }
    }
  }

  /** Undefined when there is no such conversation for this user. */
  private async describe(id: string): Promise<Row | undefined> {
    const { rest, me } = this.options
    const group = groupOf(id)
    try {
      if (group) {
        const found = await rest.call(api => api.GET('/api/groups/{id}', { params: { path: { id: group } } }))
        return { ...emptyRow(id), type: 'group', group: found }
      }
      const peer = peerOf(id, me)
      const found = await rest.call(api => api.GET('/api/users/{id}', { params: { path: { id: peer } } }))
      return { ...emptyRow(id), peer: found }
    }
    catch (error) {
      if (error instanceof SimpleIMError && !error.isNetwork && error.code < 42900)
        return undefined
      throw error
    }
  }
}

export function emptyRow(conversation_id: string): Row {
  return {
    conversation_id,
    type: 'private',
    last_seq: 0,
    read_seq: 0,
    peer_read_seq: 0,
    peer_delivered_seq: 0,
    unread: 0,
    mentioned_seq: 0,
    pinned: false,
    muted: false,
    archived: false,
    draft: '',
  }
}

type Listed = Partial<Row> & { conversation_id: string, delivered_seq: number }

function toRow(listed: Listed): ListedRow {
  return { ...emptyRow(listed.conversation_id), ...listed } as ListedRow
}

function isMessage(frame: Frame): frame is Frame & Message {
  const kept = SHOWN.has(frame.type) || isOperation(frame.type)
  return kept && typeof frame.seq === 'number' && typeof frame.conversation_id === 'string'
    && typeof frame.message_id === 'string' && typeof frame.from === 'string' && typeof frame.timestamp === 'number'
    && typeof frame.content === 'object'
}
