import type { Alarms } from './alarms.ts'
import type { Encoding, SocketFactory } from './connection.ts'
import type { Emitter } from './emitter.ts'
import type { AuthSession, CallSignal, ConnectionStatus, Conversation, Events, Outgoing, Presence, UserName } from './model.ts'
import type { Rest } from './rest.ts'
import type { LocalStore } from './store/local_store.ts'
import type { Timeline } from './timeline.ts'
import { Drafts } from './drafts.ts'
import { Engine } from './engine.ts'
import { FileLinks } from './file_links.ts'
import { History } from './history.ts'
import { People } from './people.ts'
import { Tabs } from './tabs.ts'

/** What the tabs of an account tell each other: events to all, everything else to the one that leads. */
export type Note
  = | { kind: 'event', name: keyof Events, payload: Events[keyof Events] }
    | { kind: 'queue' }
    | { kind: 'read', id: string, seq: number }
    | { kind: 'row', id: string, patch: Partial<Conversation> }
    | { kind: 'introduce', row: Conversation }
    | { kind: 'typing', id: string }
    | { kind: 'signal', signal: CallSignal }
    | { kind: 'watch', tab: string, users: string[] }
    | { kind: 'check', force: boolean }
    | { kind: 'hello' }

export interface AccountOptions {
  baseUrl: string
  session: AuthSession
  store: LocalStore
  rest: Rest
  alarms: Alarms
  openSocket: SocketFactory
  encoding: Encoding
  random: () => number
  alone: boolean
  /** The events of this tab. */
  events: Pick<Emitter<Events>, 'emit'>
  /** The session ended. */
  onEnded: () => void
}

const MAX_WATCHED = 200

/** An account while it is open on this tab: what the tab knows, and its place among the other tabs. */
export class Account {
  readonly me: string
  readonly store: LocalStore
  readonly history: History
  readonly people: People
  readonly drafts: Drafts
  readonly links: FileLinks
  readonly rows = new Map<string, Conversation>()
  readonly outgoing = new Map<string, Outgoing>()
  readonly timelines = new Set<Timeline>()
  private readonly options: AccountOptions
  private readonly tabs: Tabs<Note>
  private readonly watched = new Map<string, string[]>()
  /** Conversations whose peer's presence was asked for. */
  private readonly met = new Set<string>()
  private readonly unlisten: (() => void)[] = []
  private engine: Engine | undefined
  private status: ConnectionStatus = { state: 'connecting', since: Date.now() }
  /** ms since the epoch; 0: not yet. */
  private syncedAt = 0
  private closed = false

  constructor(options: AccountOptions) {
    const { session, store, rest, alarms, baseUrl } = options
    const events = { emit: this.broadcast.bind(this) }
    this.options = options
    this.me = session.user_id
    this.store = store
    this.history = new History(this.me, store, rest)
    this.people = new People(store, rest, events)
    this.links = new FileLinks(rest, alarms)
    this.drafts = new Drafts(alarms, rest, (id, patch) => this.changeRow(id, patch))
    this.tabs = new Tabs<Note>(`simpleim:${baseUrl}:${this.me}`, note => this.hear(note), options.alone)
  }

  /** This tab holds the socket. */
  get leads(): boolean {
    return this.engine !== undefined
  }

  /** Reads what the device kept, then takes part in the choice of the leading tab. */
  async open(): Promise<void> {
    // What other tabs tell while the store is read is newer than what is read.
    for (const row of await this.store.conversations()) {
      if (!this.rows.has(row.conversation_id))
        this.rows.set(row.conversation_id, row)
    }
    for (const entry of await this.store.outgoing()) this.outgoing.set(entry.message_id, entry)
    if (this.closed)
      return
    this.listen()
    this.tabs.tell({ kind: 'hello' })
    this.tabs.campaign(() => this.lead())
  }

  /** Lets another tab lead; what the device kept stays. */
  close(): void {
    this.closed = true
    for (const end of this.unlisten.splice(0)) end()
    this.engine?.stop()
    this.engine = undefined
    this.tabs.close()
  }

  /** Does it when this tab leads, else asks the tab that does. */
  direct(note: Note): void {
    if (this.engine)
      this.hear(note)
    else
      this.tabs.tell(note)
  }

  /** Tells this tab and all others. */
  broadcast<Name extends keyof Events>(name: Name, payload: Events[Name]): void {
    this.tell(name, payload)
    this.dispatch(name, payload)
  }

  /** Tells the other tabs. */
  tell<Name extends keyof Events>(name: Name, payload: Events[Name]): void {
    this.tabs.tell({ kind: 'event', name, payload })
  }

  /** The leader's inbox alone changes rows, in order: whoever wrote past it would be overtaken by older news. */
  changeRow(id: string, patch: Partial<Conversation>): void {
    this.direct({ kind: 'row', id, patch })
  }

  /** A conversation that is about to begin. */
  introduce(row: Conversation): void {
    this.rows.set(row.conversation_id, row)
    this.options.events.emit('conversation', row)
    this.direct({ kind: 'introduce', row })
    this.engine?.watchPresence()
  }

  private lead(): void {
    const { baseUrl, session, rest, alarms, openSocket, encoding, random } = this.options
    this.engine = new Engine({
      me: this.me,
      sessionId: session.session_id,
      url: `${baseUrl.replace(/^http/, 'ws')}/ws`,
      rest,
      store: this.store,
      history: this.history,
      rows: this.rows,
      events: { emit: this.broadcast.bind(this) },
      alarms,
      openSocket,
      encoding,
      random,
      watched: () => this.watchedUsers(),
    })
    void this.engine.start()
  }

  /** Whom the tabs show, then the peers of the newest conversations. */
  private watchedUsers(): string[] {
    const peers = [...this.rows.values()]
      .filter(row => row.peer)
      .sort((a, b) => (b.last_message?.timestamp ?? 0) - (a.last_message?.timestamp ?? 0))
      .map(row => row.peer!.user_id)
    return [...new Set([...[...this.watched.values()].flat(), ...peers])].slice(0, MAX_WATCHED)
  }

  private hear(note: Note): void {
    if (this.closed)
      return
    if (note.kind === 'event')
      return this.dispatch(note.name, note.payload)
    const { engine } = this
    if (!engine)
      return
    switch (note.kind) {
      case 'queue': return engine.queueChanged()
      case 'read': return engine.markRead(note.id, note.seq)
      case 'row': return engine.changeRow(note.id, note.patch)
      case 'introduce': return engine.introduce(note.row)
      case 'typing': return engine.typing(note.id)
      case 'signal': return engine.signal(note.signal)
      case 'check': return engine.check(note.force)
      case 'hello': return this.greet()
      case 'watch':
        this.watched.set(note.tab, note.users)
        return engine.watchPresence()
    }
  }

  /** What a tab that has just opened could not hear. */
  private greet(): void {
    this.tell('connection', this.status)
    if (this.syncedAt)
      this.tell('synced', { at: this.syncedAt })
  }

  private dispatch<Name extends keyof Events>(name: Name, payload: Events[Name]): void {
    if (this.closed)
      return
    this.keep(name, payload)
    if (name === 'connection') {
      this.status = payload as ConnectionStatus
      if (this.status.state === 'signed_out')
        return this.options.onEnded()
    }
    if (name === 'synced') {
      this.syncedAt = (payload as Events['synced']).at
      if (this.engine)
        this.drafts.resume(this.rows.values())
    }
    this.options.events.emit(name, payload)
  }

  /** What the tab remembers of what it hears. */
  private keep<Name extends keyof Events>(name: Name, payload: Events[Name]): void {
    switch (name) {
      case 'conversation': return this.keepRow(payload as Conversation)
      case 'removed': return void this.rows.delete((payload as Events['removed']).conversation_id)
      case 'outgoing': return void this.outgoing.set((payload as Outgoing).message_id, payload as Outgoing)
      case 'settled': {
        const { message_id, message } = payload as Events['settled']
        this.outgoing.delete(message_id)
        if (message)
          this.timelinesOf(message.conversation_id).forEach(timeline => timeline.follow(message))
        return
      }
      case 'amended': {
        const { conversation_id, messages } = payload as Events['amended']
        return this.timelinesOf(conversation_id).forEach(timeline => timeline.amend(messages))
      }
      case 'user': return this.people.rename(payload as UserName)
      case 'presence': return this.people.hear(payload as Presence)
      case 'messages': {
        const { conversation_id, messages } = payload as Events['messages']
        this.timelinesOf(conversation_id).forEach(timeline => timeline.add(messages))
      }
    }
  }

  private keepRow(row: Conversation): void {
    const isNew = !this.met.has(row.conversation_id)
    this.rows.set(row.conversation_id, row)
    this.met.add(row.conversation_id)
    if (row.peer)
      this.people.learn([row.peer])
    if (row.peer && isNew)
      this.engine?.watchPresence()
    for (const timeline of this.timelinesOf(row.conversation_id))
      void timeline.catchUp().catch(() => {}) // the next event or connect tries again
  }

  private timelinesOf(conversationId: string): Timeline[] {
    return [...this.timelines].filter(timeline => timeline.conversationId === conversationId)
  }

  private listen(): void {
    if (typeof document === 'undefined')
      return
    const check = () => {
      if (document.visibilityState === 'visible')
        this.direct({ kind: 'check', force: false })
    }
    // Each may mean that the machine slept or the network is another: whatever was open may be dead.
    const signs: [EventTarget, string][] = [[document, 'visibilitychange'], [window, 'online'], [window, 'pageshow'], [document, 'resume']]
    for (const [target, name] of signs) target.addEventListener(name, check)
    this.unlisten.push(() => {
      for (const [target, name] of signs) target.removeEventListener(name, check)
    })
  }
}
