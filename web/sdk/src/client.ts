import type { Alarms } from './alarms.ts'
import type { Encoding, SocketFactory } from './connection.ts'
import type { CallSignal, ConnectionStatus, Conversation, Events, LocalFile, Message, Outgoing, Presence, ServerInfo, StoredFile, UserName } from './model.ts'
import type { OperationContent } from './operations.ts'
import type { Api, Envelope } from './rest.ts'
import type { SessionKeeper } from './session_keeper.ts'
import type { LocalStore } from './store/local_store.ts'
import { v7 as uuidv7 } from 'uuid'
import { Account } from './account.ts'
import { pageAlarms } from './alarms.ts'
import { Emitter } from './emitter.ts'
import { emptyRow } from './engine.ts'
import { ErrorCode, FrameType, groupConversation, groupOf, peerOf, privateConversation, SimpleIMError } from './protocol.ts'
import { Rest } from './rest.ts'
import { browserKeeper, memoryKeeper } from './session_keeper.ts'
import { IndexedDbStore } from './store/indexeddb_store.ts'
import { MemoryStore } from './store/memory_store.ts'
import { Timeline } from './timeline.ts'
import { uploadWhole } from './upload_transport.ts'

export interface SimpleIMOptions {
  /** Where the server is: "https://chat.example.org", or "https://example.org/chat". Default: where the page came from. */
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
  /** How frames travel: as JSON, the default, or in less than half the bytes (a server that does not know it speaks JSON). */
  encoding?: Encoding
  random?: () => number
  /** Do not share the socket with other tabs. */
  alone?: boolean
}

const TYPING_EVERY_MS = 3_000

/** The client of one SimpleIM server: sign in, start(), then listen to events and send. */
export class SimpleIM {
  private readonly options: SimpleIMOptions
  private readonly emitter = new Emitter<Events>()
  private readonly keeper: SessionKeeper
  private readonly alarms: Alarms
  private readonly rest: Rest
  private readonly tab = uuidv7()
  private account: Account | undefined
  private unwatch: (() => void) | undefined
  private status: ConnectionStatus = { state: 'connecting', since: Date.now() }
  private lastOrder = 0
  private readonly typedAt = new Map<string, number>()

  constructor(options: SimpleIMOptions = {}) {
    this.options = options
    const inBrowser = typeof document !== 'undefined'
    this.keeper = options.keeper ?? (inBrowser ? browserKeeper(uuidv7, new URL(this.baseUrl).pathname.replace(/\/$/, '')) : memoryKeeper(uuidv7()))
    this.alarms = options.alarms ?? pageAlarms
    this.rest = new Rest({
      baseUrl: this.baseUrl,
      keeper: this.keeper,
      fetch: options.fetch ?? ((input, init) => fetch(input, init)),
      onSignedOut: () => this.ended(),
    })
    this.emitter.on('connection', (status) => { this.status = status })
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
    return this.account?.leads ?? false
  }

  on<Name extends keyof Events>(name: Name, listener: (payload: Events[Name]) => void): () => void {
    return this.emitter.on(name, listener)
  }

  /** A typed REST call with the session's token: `im.call(api => api.GET('/api/groups/my'))`. Throws SimpleIMError. */
  call<Data>(make: (api: Api) => Promise<Envelope<Data>>): Promise<Data> {
    return this.rest.call(make)
  }

  /** What the server is and allows; nobody needs to be signed in. Throws SimpleIMError. */
  server(): Promise<ServerInfo> {
    return this.rest.call(api => api.GET('/api/server'))
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
    this.ended(true)
  }

  /** Opens what the device kept, then connects. Throws when nobody is signed in. */
  async start(): Promise<void> {
    const session = this.keeper.load()
    if (!session)
      throw new Error('sign in first')
    if (this.account)
      return
    this.rest.owner = session.user_id
    this.unwatch = this.keeper.watch?.(() => this.sessionChanged())
    const { alone = false, encoding = 'json', random = Math.random } = this.options
    const account = new Account({
      baseUrl: this.baseUrl,
      session,
      store: await this.openStore(session.user_id),
      rest: this.rest,
      alarms: this.alarms,
      openSocket: this.options.openSocket ?? ((url, protocols) => new WebSocket(url, protocols)),
      encoding,
      random,
      alone,
      events: this.emitter,
      onEnded: () => this.ended(),
    })
    this.account = account
    await account.open()
  }

  /** Closes the socket and lets another tab lead; what the device kept stays. */
  stop(): void {
    this.unwatch?.()
    this.account?.close()
    this.account = undefined
    this.rest.owner = undefined
  }

  /** Somebody else signed in in another tab of this browser: nothing is shown, sent or kept under the wrong account. */
  private sessionChanged(): void {
    const session = this.keeper.load()
    if (this.account && session && session.user_id !== this.account.me)
      this.ended()
  }

  /** After `replaced`, or when the user does not want to wait. */
  reconnect(): void {
    this.opened.direct({ kind: 'check', force: true })
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
      this.opened.introduce({ ...emptyRow(id), peer: { user_id, username, nickname } })
    }
    return id
  }

  /** A group this user is in; its messages come by themselves. */
  withGroup(group: NonNullable<Conversation['group']>): string {
    const id = groupConversation(group.group_id)
    if (!this.opened.rows.has(id))
      this.opened.introduce({ ...emptyRow(id), type: 'group', group })
    return id
  }

  /** A view of the messages of a conversation; close it when it is not shown any more. */
  timeline(conversationId: string, onChange: () => void): Timeline {
    const account = this.opened
    const timeline = new Timeline({
      conversationId,
      history: account.history,
      // The list may know the end before everything up to it has been accounted for.
      lastSeq: () => {
        const row = account.rows.get(conversationId)
        return Math.max(row?.last_seq ?? 0, row?.last_message?.seq ?? 0)
      },
      onChange,
    })
    account.timelines.add(timeline)
    return timeline
  }

  closeTimeline(timeline: Timeline): void {
    this.account?.timelines.delete(timeline)
  }

  /** Everything up to `seq` was seen. Never moves back. */
  markRead(conversationId: string, seq: number): void {
    const row = this.opened.rows.get(conversationId)
    if (row && seq > row.read_seq)
      this.opened.direct({ kind: 'read', id: conversationId, seq })
  }

  /** Pins, mutes or archives; told to the user's other devices. */
  async set(conversationId: string, settings: { pinned?: boolean, muted?: boolean, archived?: boolean }): Promise<void> {
    const path = { id: conversationId }
    await this.rest.call(api => api.PATCH('/api/conversations/{id}', { params: { path }, body: settings }))
    this.opened.changeRow(conversationId, settings)
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
    this.opened.direct({ kind: 'typing', id: conversationId })
  }

  // ---------------------------------------------------------------- messages

  /** Mine that are not stored yet, in order. */
  outgoing(conversationId: string): Outgoing[] {
    return [...this.opened.outgoing.values()]
      .filter(entry => entry.conversation_id === conversationId)
      .sort((a, b) => a.order - b.order)
  }

  /** Queues a message on this device; resolves when it will survive a reload. It is sent as soon as possible, once. */
  send(conversationId: string, content: { text: string, [more: string]: unknown }): Promise<Outgoing> {
    return this.queue(conversationId, groupOf(conversationId) ? FrameType.group : FrameType.private, content)
  }

  /**
   * Queues a file: it is uploaded from this device, also after a reload, and then sent. `type` 4 to 7; the content is
   * what is known of it beforehand, completed by the server. Events `progress` tell how far it is.
   */
  sendFile(conversationId: string, type: number, file: LocalFile, content: Record<string, unknown> = {}): Promise<Outgoing> {
    const { name, blob } = file
    return this.queue(conversationId, type, { file_name: name, file_size: blob.size, mime: blob.type, ...content }, file)
  }

  /** Queues a file that is on the server already, as when it is forwarded. */
  resend(conversationId: string, type: number, content: Record<string, unknown>): Promise<Outgoing> {
    return this.queue(conversationId, type, content)
  }

  /** Takes a message back: its content is erased everywhere. */
  recall(message: Message): Promise<Outgoing> {
    return this.operate(FrameType.recall, message)
  }

  /** Gives a text another one. */
  edit(message: Message, content: { text: string, [more: string]: unknown }): Promise<Outgoing> {
    return this.operate(FrameType.edit, message, { content })
  }

  react(message: Message, emoji: string, add: boolean): Promise<Outgoing> {
    return this.operate(FrameType.reaction, message, { emoji, add })
  }

  /** Pins a message in its conversation, for all its members. */
  pin(message: Message, pin: boolean): Promise<Outgoing> {
    return this.operate(FrameType.pin, message, { pin })
  }

  private operate(type: number, { message_id, seq, conversation_id }: Message, more: Partial<OperationContent> = {}): Promise<Outgoing> {
    return this.queue(conversation_id, type, { message_id, seq, ...more })
  }

  private async queue(conversationId: string, type: number, content: Record<string, unknown>, file?: LocalFile): Promise<Outgoing> {
    const { store, outgoing, me } = this.opened
    const group = groupOf(conversationId)
    this.lastOrder = Math.max(this.lastOrder + 1, Date.now() * 1000)
    const entry: Outgoing = {
      message_id: uuidv7(),
      conversation_id: conversationId,
      type,
      ...(group ? { group_id: group } : { to: peerOf(conversationId, me) }),
      content,
      order: this.lastOrder,
      created_at: Date.now(),
      state: file ? 'uploading' : 'queued',
      ...(file ? { file } : {}),
    }
    outgoing.set(entry.message_id, entry)
    this.emitter.emit('outgoing', entry)
    await store.apply({ outgoing: [entry] })
    this.opened.tell('outgoing', entry)
    this.opened.direct({ kind: 'queue' })
    return entry
  }

  /** Sends a failed message again, with the same id. */
  async retry(messageId: string): Promise<void> {
    const { store, outgoing } = this.opened
    const failed = outgoing.get(messageId)
    if (!failed)
      return
    const { error: _, ...rest } = failed
    const entry: Outgoing = { ...rest, state: rest.file ? 'uploading' : 'queued' }
    await store.apply({ outgoing: [entry] })
    this.opened.broadcast('outgoing', entry)
    this.opened.direct({ kind: 'queue' })
  }

  /** Takes a message out of the queue. */
  async discard(messageId: string): Promise<void> {
    const { store, outgoing } = this.opened
    const entry = outgoing.get(messageId)
    if (!entry)
      return
    await store.apply({ settled: [messageId] })
    this.opened.broadcast('settled', { conversation_id: entry.conversation_id, message_id: messageId })
    this.opened.direct({ kind: 'queue' })
  }

  /** A message of a conversation of mine, wherever it is; undefined when there is none (any more). */
  async message(conversationId: string, messageId: string, seq?: number): Promise<Message | undefined> {
    const { rest } = this
    const { store } = this.opened
    const kept = seq === undefined ? undefined : (await store.messages(conversationId, seq, seq, 1, false))[0]
    if (kept)
      return kept
    try {
      const { message, as_of } = await rest.call(api => api.GET('/api/messages/{id}', { params: { path: { id: messageId } } }))
      return message.conversation_id === conversationId ? { ...message, state_seq: as_of } : undefined
    }
    catch (error) {
      if (error instanceof SimpleIMError && error.code === ErrorCode.notFound)
        return undefined
      throw error
    }
  }

  /** Puts a picture on the server, as for a profile. */
  upload(blob: Blob, name: string): Promise<StoredFile> {
    const about = { name, asFile: false, durationMs: 0 }
    return uploadWhole({ baseUrl: this.baseUrl, rest: this.rest, blob, about, signal: new AbortController().signal, progress: () => {} })
  }

  /** Links of a file that work in `<img>`, `<audio>` and `<video>` for some minutes. */
  file(fileId: string): Promise<StoredFile | undefined> {
    return this.opened.links.of(fileId)
  }

  // ---------------------------------------------------------------- calls

  /** Tells the other one, and one's own tabs and devices, of a call: types 40 to 45. Lost without a connection. */
  signal(type: number, callId: string, to: string, content: Record<string, unknown> = {}): void {
    const signal: CallSignal = { type, call_id: callId, from: this.opened.me, to, content }
    this.opened.direct({ kind: 'signal', signal })
    this.opened.tell('call', signal)
  }

  /** STUN and TURN servers for a call. */
  async iceServers(): Promise<{ urls: string[], username?: string, credential?: string }[]> {
    return (await this.rest.call(api => api.GET('/api/rtc/ice-servers'))).ice_servers
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
    this.opened.direct({ kind: 'watch', tab: this.tab, users })
  }

  /** Bytes that this device keeps; 0 when unknown. */
  storedBytes(): Promise<number> {
    return this.opened.store.size()
  }

  // ---------------------------------------------------------------- inside

  private get opened(): Account {
    if (!this.account)
      throw new Error('call start() first')
    return this.account
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

  /**
   * The session is over: nothing of it stays on this device, but what is not sent yet when its end was not this user's
   * wish. It is sent when he signs in here again.
   */
  private ended(wished = false): void {
    const { account } = this
    const status: ConnectionStatus = { state: 'signed_out', since: Date.now() }
    account?.tell('connection', status)
    this.stop()
    if (wished || account?.outgoing.size === 0)
      void account?.store.destroy().catch(() => {})
    this.emitter.emit('connection', status)
  }
}
