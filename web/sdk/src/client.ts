import type { Alarms } from './alarms.ts'
import type { SocketFactory } from './connection.ts'
import type { ConnectionStatus, Conversation, Events, Outgoing, Presence, UserName } from './model.ts'
import type { Api, Envelope } from './rest.ts'
import type { SessionKeeper } from './session_keeper.ts'
import type { LocalStore } from './store/local_store.ts'
import { v7 as uuidv7 } from 'uuid'
import { pageAlarms } from './alarms.ts'
import { Drafts } from './drafts.ts'
import { Emitter } from './emitter.ts'
import { emptyRow, Engine } from './engine.ts'
import { History } from './history.ts'
import { People } from './people.ts'
import { groupConversation, groupOf, peerOf, privateConversation } from './protocol.ts'
import { Rest } from './rest.ts'
import { browserKeeper, memoryKeeper } from './session_keeper.ts'
import { IndexedDbStore } from './store/indexeddb_store.ts'
import { MemoryStore } from './store/memory_store.ts'
import { Tabs } from './tabs.ts'
import { Timeline } from './timeline.ts'

export interface SimpleIMOptions {
  /** Where the server is: "https://chat.example.org". Default: where the page came from. */
  baseUrl?: string
  /** Default: localStorage in a browser, memory elsewhere. */
  keeper?: SessionKeeper
  /** Default: IndexedDB in a browser, memory elsewhere or when the browser gives none. */
  openStore?: (userId: string) => Promise<LocalStore>
  /** Timers; workerAlarms() also ring in a hidden tab. */
  alarms?: Alarms
  /** Shown in the list of signed-in devices. */
  deviceName?: string
  platform?: string
  fetch?: typeof globalThis.fetch
  openSocket?: SocketFactory
  random?: () => number
  /** Do not share the socket with other tabs. */
  alone?: boolean
}

type Note
  = | { kind: 'event', name: keyof Events, payload: Events[keyof Events] }
    | { kind: 'queue' }
    | { kind: 'read', id: string, seq: number }
    | { kind: 'row', id: string, patch: Partial<Conversation> }
    | { kind: 'introduce', row: Conversation }
    | { kind: 'typing', id: string }
    | { kind: 'watch', tab: string, users: string[] }
    | { kind: 'check', force: boolean }
    | { kind: 'hello' }

const TYPING_EVERY_MS = 3_000
const MAX_WATCHED = 200

/** Everything of one account while it is open on this tab. */
interface Open {
  me: string
  store: LocalStore
  history: History
  people: People
  drafts: Drafts
  tabs: Tabs<Note>
  rows: Map<string, Conversation>
  outgoing: Map<string, Outgoing>
  timelines: Set<Timeline>
  /** Conversations whose peer's presence was asked for. */
  met: Set<string>
  watched: Map<string, string[]>
  engine: Engine | undefined
}

/** The client of one SimpleIM server: sign in, start(), then listen to events and send. */
export class SimpleIM {
  private readonly options: SimpleIMOptions
  private readonly emitter = new Emitter<Events>()
  private readonly keeper: SessionKeeper
  private readonly alarms: Alarms
  private readonly rest: Rest
  private readonly tab = uuidv7()
  private open: Open | undefined
  private status: ConnectionStatus = { state: 'connecting', since: Date.now() }
  private lastOrder = 0
  private readonly typedAt = new Map<string, number>()
  private readonly unlisten: (() => void)[] = []

  constructor(options: SimpleIMOptions = {}) {
    this.options = options
    const inBrowser = typeof localStorage !== 'undefined' && typeof document !== 'undefined'
    this.keeper = options.keeper ?? (inBrowser ? browserKeeper(uuidv7) : memoryKeeper(uuidv7()))
    this.alarms = options.alarms ?? pageAlarms
    this.rest = new Rest({
      baseUrl: this.baseUrl,
      keeper: this.keeper,
      fetch: options.fetch ?? ((input, init) => fetch(input, init)),
      onSignedOut: () => this.ended(),
    })
  }

  get baseUrl(): string {
    return (this.options.baseUrl ?? location.origin).replace(/\/$/, '')
  }

  /** Who is signed in on this device. */
  get session() {
    return this.keeper.load()
  }

  get connection(): ConnectionStatus {
    return this.status
  }

  /** This tab holds the socket. */
  get leads(): boolean {
    return this.open?.engine !== undefined
  }

  on<Name extends keyof Events>(name: Name, listener: (payload: Events[Name]) => void): () => void {
    return this.emitter.on(name, listener)
  }

  /** A typed REST call with the session's token: `im.call(api => api.GET('/api/groups/my'))`. Throws SimpleIMError. */
  call<Data>(make: (api: Api) => Promise<Envelope<Data>>): Promise<Data> {
    return this.rest.call(make)
  }

  // ---------------------------------------------------------------- account

  async register(user: { username: string, password: string, nickname?: string }): Promise<void> {
    await this.rest.call(api => api.POST('/api/register', { body: user }))
  }

  async login(credentials: { username: string, password: string }): Promise<void> {
    const { deviceName = '', platform = 'web' } = this.options
    const body = { ...credentials, platform, device_name: deviceName, device_id: this.keeper.deviceId() }
    const signedIn = await this.rest.call(api => api.POST('/api/login', { body }))
    const { user_id, username, nickname, session_id, device_id, token, refresh_token, expires_at } = signedIn
    this.keeper.save({ user_id, username, nickname, session_id, device_id, token, refresh_token, expires_at })
  }

  /** Ends the session here and on the server, and forgets what this device kept. */
  async logout(): Promise<void> {
    await this.rest.call(api => api.POST('/api/logout')).catch(() => {}) // it ends here in any case
    this.keeper.clear()
    this.ended()
  }

  /** Opens what the device kept, then connects. Throws when nobody is signed in. */
  async start(): Promise<void> {
    const session = this.keeper.load()
    if (!session)
      throw new Error('sign in first')
    if (this.open)
      return
    const store = await this.openStore(session.user_id)
    const events = { emit: this.broadcast.bind(this) }
    const name = `simpleim:${this.baseUrl}:${session.user_id}`
    const open: Open = {
      me: session.user_id,
      store,
      history: new History(session.user_id, store, this.rest),
      people: new People(store, this.rest, events),
      drafts: new Drafts(this.alarms, this.rest, (id, patch) => this.changeRow(id, patch)),
      tabs: new Tabs<Note>(name, note => this.hear(note), this.options.alone ?? false),
      rows: new Map(),
      outgoing: new Map(),
      timelines: new Set(),
      met: new Set(),
      watched: new Map(),
      engine: undefined,
    }
    this.open = open
    // What other tabs tell while the store is read is newer than what is read.
    const kept = await store.conversations()
    for (const row of kept) {
      if (!open.rows.has(row.conversation_id))
        open.rows.set(row.conversation_id, row)
    }
    for (const entry of await store.outgoing()) open.outgoing.set(entry.message_id, entry)
    this.listen()
    open.tabs.tell({ kind: 'hello' })
    open.tabs.campaign(() => this.lead())
  }

  /** Closes the socket and lets another tab lead; what the device kept stays. */
  stop(): void {
    for (const end of this.unlisten.splice(0)) end()
    this.open?.engine?.stop()
    this.open?.tabs.close()
    this.open = undefined
  }

  /** After `replaced`, or when the user does not want to wait. */
  reconnect(): void {
    this.direct({ kind: 'check', force: true })
  }

  // ---------------------------------------------------------------- conversations

  conversations(): Conversation[] {
    return [...this.opened.rows.values()]
  }

  conversation(id: string): Conversation | undefined {
    return this.opened.rows.get(id)
  }

  /** The conversation with a user; made on this device if there is none yet. */
  withUser(user: UserName): string {
    const { me, rows, people } = this.opened
    const id = privateConversation(me, user.user_id)
    people.learn([user])
    if (!rows.has(id)) {
      const { user_id, username, nickname } = user
      this.introduce({ ...emptyRow(id), peer: { user_id, username, nickname } })
    }
    return id
  }

  /** A group this user is in; its messages come by themselves. */
  withGroup(group: NonNullable<Conversation['group']>): string {
    const id = groupConversation(group.group_id)
    if (!this.opened.rows.has(id))
      this.introduce({ ...emptyRow(id), type: 'group', group })
    return id
  }

  /** A view of the messages of a conversation; close it when it is not shown any more. */
  timeline(conversationId: string, onChange: () => void): Timeline {
    const open = this.opened
    const timeline = new Timeline({
      conversationId,
      history: open.history,
      // The list may know the end before everything up to it has been accounted for.
      lastSeq: () => {
        const row = open.rows.get(conversationId)
        return Math.max(row?.last_seq ?? 0, row?.last_message?.seq ?? 0)
      },
      onChange,
    })
    open.timelines.add(timeline)
    return timeline
  }

  closeTimeline(timeline: Timeline): void {
    this.open?.timelines.delete(timeline)
  }

  /** Everything up to `seq` was seen. Never moves back. */
  markRead(conversationId: string, seq: number): void {
    const row = this.opened.rows.get(conversationId)
    if (row && seq > row.read_seq)
      this.direct({ kind: 'read', id: conversationId, seq })
  }

  /** Pins, mutes or archives; told to the user's other devices. */
  async set(conversationId: string, settings: { pinned?: boolean, muted?: boolean, archived?: boolean }): Promise<void> {
    const path = { id: conversationId }
    await this.rest.call(api => api.PATCH('/api/conversations/{id}', { params: { path }, body: settings }))
    this.changeRow(conversationId, settings)
  }

  setDraft(conversationId: string, draft: string): void {
    const row = this.opened.rows.get(conversationId)
    if (row)
      this.opened.drafts.set(row, draft)
  }

  /** At most one signal every 3 s reaches the others. */
  typing(conversationId: string): void {
    const now = Date.now()
    if (now - (this.typedAt.get(conversationId) ?? 0) < TYPING_EVERY_MS)
      return
    this.typedAt.set(conversationId, now)
    this.direct({ kind: 'typing', id: conversationId })
  }

  // ---------------------------------------------------------------- messages

  /** Mine that are not stored yet, in order. */
  outgoing(conversationId: string): Outgoing[] {
    return [...this.opened.outgoing.values()]
      .filter(entry => entry.conversation_id === conversationId)
      .sort((a, b) => a.order - b.order)
  }

  /** Queues a message on this device; resolves when it will survive a reload. It is sent as soon as possible, once. */
  async send(conversationId: string, content: { text: string, [more: string]: unknown }): Promise<Outgoing> {
    const { store, outgoing, me } = this.opened
    const group = groupOf(conversationId)
    this.lastOrder = Math.max(this.lastOrder + 1, Date.now() * 1000)
    const entry: Outgoing = {
      message_id: uuidv7(),
      conversation_id: conversationId,
      type: group ? 2 : 1,
      ...(group ? { group_id: group } : { to: peerOf(conversationId, me) }),
      content,
      order: this.lastOrder,
      created_at: Date.now(),
      state: 'queued',
    }
    outgoing.set(entry.message_id, entry)
    this.emitter.emit('outgoing', entry)
    await store.apply({ outgoing: [entry] })
    this.opened.tabs.tell({ kind: 'event', name: 'outgoing', payload: entry })
    this.direct({ kind: 'queue' })
    return entry
  }

  /** Sends a failed message again, with the same id. */
  async retry(messageId: string): Promise<void> {
    const { store, outgoing } = this.opened
    const failed = outgoing.get(messageId)
    if (!failed)
      return
    const { error: _, ...rest } = failed
    const entry: Outgoing = { ...rest, state: 'queued' }
    await store.apply({ outgoing: [entry] })
    this.broadcast('outgoing', entry)
    this.direct({ kind: 'queue' })
  }

  /** Takes a message out of the queue. */
  async discard(messageId: string): Promise<void> {
    const { store, outgoing } = this.opened
    const entry = outgoing.get(messageId)
    if (!entry)
      return
    await store.apply({ settled: [messageId] })
    this.broadcast('settled', { conversation_id: entry.conversation_id, message_id: messageId })
    this.direct({ kind: 'queue' })
  }

  // ---------------------------------------------------------------- people

  /** What is known of a user; a `user` event tells when more is. */
  user(userId: string): UserName | undefined {
    return this.opened.people.get(userId)
  }

  learn(users: UserName[]): void {
    this.opened.people.learn(users)
  }

  presence(userId: string): Presence | undefined {
    return this.opened.people.presence(userId)
  }

  /** Whose presence this tab shows, beside the peers in its list. */
  watch(users: string[]): void {
    this.direct({ kind: 'watch', tab: this.tab, users })
  }

  /** Bytes that this device keeps; 0 when unknown. */
  storedBytes(): Promise<number> {
    return this.opened.store.size()
  }

  // ---------------------------------------------------------------- inside

  private get opened(): Open {
    if (!this.open)
      throw new Error('call start() first')
    return this.open
  }

  private async openStore(userId: string): Promise<LocalStore> {
    if (this.options.openStore)
      return await this.options.openStore(userId)
    if (typeof indexedDB === 'undefined')
      return new MemoryStore()
    const store = new IndexedDbStore(userId)
    try {
      await store.open()
      return store
    }
    catch {
      return new MemoryStore() // as in some private windows
    }
  }

  private lead(): void {
    const open = this.open
    const session = this.keeper.load()
    if (!open || !session)
      return
    open.engine = new Engine({
      me: open.me,
      sessionId: session.session_id,
      url: `${this.baseUrl.replace(/^http/, 'ws')}/ws`,
      rest: this.rest,
      store: open.store,
      history: open.history,
      rows: open.rows,
      events: { emit: this.broadcast.bind(this) },
      alarms: this.alarms,
      openSocket: this.options.openSocket ?? ((url, protocols) => new WebSocket(url, protocols)),
      random: this.options.random ?? Math.random,
      watched: () => this.watched(),
    })
    void open.engine.start()
  }

  private watched(): string[] {
    const { rows, watched } = this.opened
    const peers = [...rows.values()]
      .filter(row => row.peer)
      .sort((a, b) => (b.last_message?.timestamp ?? 0) - (a.last_message?.timestamp ?? 0))
      .map(row => row.peer!.user_id)
    return [...new Set([...[...watched.values()].flat(), ...peers])].slice(0, MAX_WATCHED)
  }

  private introduce(row: Conversation): void {
    this.opened.rows.set(row.conversation_id, row)
    this.emitter.emit('conversation', row)
    this.direct({ kind: 'introduce', row })
    this.opened.engine?.watchPresence()
  }

  private changeRow(id: string, patch: Partial<Conversation>): void {
    // The leader's inbox alone changes rows, in order: whoever wrote past it would be overtaken by older news.
    this.direct({ kind: 'row', id, patch })
  }

  /** Does it when this tab leads, else asks the tab that does. */
  private direct(note: Note): void {
    if (this.open?.engine)
      this.hear(note)
    else
      this.open?.tabs.tell(note)
  }

  private hear(note: Note): void {
    const open = this.open
    if (!open)
      return
    if (note.kind === 'event')
      return this.dispatch(note.name, note.payload)
    const engine = open.engine
    if (!engine)
      return
    switch (note.kind) {
      case 'queue': return engine.queueChanged()
      case 'read': return engine.markRead(note.id, note.seq)
      case 'row': return engine.changeRow(note.id, note.patch)
      case 'introduce': return engine.introduce(note.row)
      case 'typing': return engine.typing(note.id)
      case 'check': return engine.check(note.force)
      case 'hello': return open.tabs.tell({ kind: 'event', name: 'connection', payload: this.status })
      case 'watch':
        open.watched.set(note.tab, note.users)
        return engine.watchPresence()
    }
  }

  /** Tells this tab and all others. */
  private broadcast<Name extends keyof Events>(name: Name, payload: Events[Name]): void {
    this.open?.tabs.tell({ kind: 'event', name, payload })
    this.dispatch(name, payload)
  }

  private dispatch<Name extends keyof Events>(name: Name, payload: Events[Name]): void {
    const open = this.open
    if (open)
      keep(open, name, payload)
    if (name === 'connection') {
      this.status = payload as ConnectionStatus
      if (this.status.state === 'signed_out' && open)
        return this.ended()
    }
    if (name === 'synced' && open?.engine)
      open.drafts.resume(open.rows.values())
    this.emitter.emit(name, payload)
  }

  /** The session is over: nothing of it stays on this device. */
  private ended(): void {
    const open = this.open
    this.status = { state: 'signed_out', since: Date.now() }
    open?.tabs.tell({ kind: 'event', name: 'connection', payload: this.status })
    this.stop()
    void open?.store.destroy().catch(() => {})
    this.emitter.emit('connection', this.status)
  }

  private listen(): void {
    if (typeof document === 'undefined')
      return
    const check = () => {
      if (document.visibilityState === 'visible')
        this.direct({ kind: 'check', force: false })
    }
    const online = () => this.direct({ kind: 'check', force: false })
    document.addEventListener('visibilitychange', check)
    window.addEventListener('online', online)
    this.unlisten.push(() => {
      document.removeEventListener('visibilitychange', check)
      window.removeEventListener('online', online)
    })
  }
}

/** What a tab remembers of what it hears. */
function keep<Name extends keyof Events>(open: Open, name: Name, payload: Events[Name]): void {
  switch (name) {
    case 'conversation': {
      const row = payload as Conversation
      const isNew = !open.met.has(row.conversation_id)
      open.rows.set(row.conversation_id, row)
      open.met.add(row.conversation_id)
      if (row.peer)
        open.people.learn([row.peer])
      if (row.peer && isNew)
        open.engine?.watchPresence()
      for (const timeline of open.timelines) {
        if (timeline.conversationId === row.conversation_id)
          void timeline.catchUp().catch(() => {}) // the next event or connect tries again
      }
      return
    }
    case 'removed': return void open.rows.delete((payload as Events['removed']).conversation_id)
    case 'outgoing': return void open.outgoing.set((payload as Outgoing).message_id, payload as Outgoing)
    case 'settled': {
      const { message_id, message } = payload as Events['settled']
      open.outgoing.delete(message_id)
      for (const timeline of open.timelines) {
        if (message && timeline.conversationId === message.conversation_id)
          timeline.follow(message)
      }
      return
    }
    case 'user': return open.people.rename(payload as UserName)
    case 'presence': return open.people.hear(payload as Presence)
    case 'messages': {
      const { conversation_id, messages } = payload as Events['messages']
      for (const timeline of open.timelines) {
        if (timeline.conversationId === conversation_id)
          timeline.add(messages)
      }
    }
  }
}
