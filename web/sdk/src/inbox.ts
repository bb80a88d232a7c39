import type { Emitter } from './emitter.ts'
import type { History } from './history.ts'
import type { Conversation, Events, GroupEventContent, Message } from './model.ts'
import type { OperationContent } from './operations.ts'
import type { Changes, LocalStore } from './store/local_store.ts'
import { Amendments, newer } from './amendments.ts'
import { amend } from './operations.ts'
import { countsAsUnread, FrameType, isOperation } from './protocol.ts'

/** A longer gap is not filled: the newest page is taken, and the rest is read when somebody scrolls there. */
const MAX_GAP = 400
const PAGE = 200
/** Messages that wait for what is missing before them, a conversation. */
const MAX_HELD = 1000

export type Row = Conversation

/** What the server's list says of a conversation. */
export type ListedRow = Row & { delivered_seq: number }

export interface InboxOptions {
  me: string
  store: LocalStore
  history: History
  /** The rows of this tab; changed by the inbox alone. */
  rows: Map<string, Row>
  events: Pick<Emitter<Events>, 'emit'>
  /** A row for a conversation nobody knew, without its messages; undefined when it is not ours. */
  describe: (conversationId: string) => Promise<Row | undefined>
  /** Is this message of mine in the queue of unsent ones. */
  isQueued: (messageId: string) => boolean
  /** The device holds everything up to `seq` (to be reported to the server). */
  onHeld: (conversationId: string, seq: number) => void
  onRead: (conversationId: string, seq: number) => void
  onGroupEvent: (groupId: string, event: GroupEventContent) => void
  /** Fetching failed: try again after the next reconnect or soon. */
  onStalled: () => void
}

type Step
  = | { kind: 'message', message: Message }
    | { kind: 'page', id: string, after: number, messages: Message[], hasMore: boolean }
    | { kind: 'newest', id: string, messages: Message[] }
    | { kind: 'described', id: string, row: Row | undefined }
    | { kind: 'listed', rows: ListedRow[], known: Map<string, number>, complete: boolean }
    | { kind: 'change', id: string, change: (row: Row) => Partial<Row> | undefined, onChanged?: () => void }

/** What one pass writes and then tells. */
interface Pass {
  changes: Required<Pick<Changes, 'messages' | 'covered' | 'removed' | 'settled' | 'outdated'>>
  /** Mine, acknowledged again: a page may have brought them already, and what was done to them since. */
  recovered: Message[]
  /** Messages that operations changed. */
  amended: Message[]
  rows: Map<string, Row>
  told: Map<string, Message[]>
  after: (() => void)[]
}

/**
 * Everything that arrives goes through here, one pass after the other: a message is shown when all before it have
 * been, once, and after it is on the device. Gaps in seq are fetched first (docs/protocol.md, "Offline and sync").
 */
export class Inbox {
  private readonly options: InboxOptions
  private readonly amendments: Amendments
  private steps: Step[] = []
  private running: Promise<void> | undefined
  private readonly held = new Map<string, Map<number, Message>>()
  private readonly repairing = new Set<string>()
  private readonly describing = new Map<string, Message[]>()
  /** The server's unread count at an end, for when a gap is jumped. */
  private readonly listed = new Map<string, ListedRow>()

  constructor(options: InboxOptions) {
    this.options = options
    this.amendments = new Amendments(options.store, options.me)
  }

  /** A message from the socket, or one of mine with the seq of its ACK. */
  accept(message: Message): void {
    this.add({ kind: 'message', message })
  }

  /**
   * The server's list, or a page of it. `known`: last_seq of the rows as they were before it was asked for; a row that
   * did not move since and is not in a complete list is gone.
   */
  reconcile(rows: ListedRow[], known: Map<string, number>, complete: boolean): void {
    this.add({ kind: 'listed', rows, known, complete })
  }

  /** Changes fields of a row; nothing happens when it returns undefined or there is no such row. */
  change(id: string, change: (row: Row) => Partial<Row> | undefined, onChanged?: () => void): void {
    this.add({ kind: 'change', id, change, ...(onChanged ? { onChanged } : {}) })
  }

  /** A conversation somebody is about to write in. */
  introduce(row: Row): void {
    this.add({ kind: 'described', id: row.conversation_id, row })
  }

  /** Repairs that failed for want of a network are tried again. */
  resume(): void {
    for (const id of this.held.keys()) this.repair(id)
  }

  /** When all that came so far is on the device. */
  async settled(): Promise<void> {
    while (this.running) await this.running
  }

  private add(step: Step): void {
    this.steps.push(step)
    this.running ??= this.run().finally(() => { this.running = undefined })
  }

  private async run(): Promise<void> {
    await Promise.resolve() // what arrives together is written together
    while (this.steps.length > 0) {
      const steps = this.steps
      this.steps = []
      const pass: Pass = {
        changes: { messages: [], covered: [], removed: [], settled: [], outdated: [] },
        recovered: [],
        amended: [],
        rows: new Map(),
        told: new Map(),
        after: [],
      }
      for (const step of steps) await this.apply(pass, step)
      for (const message of pass.recovered) await this.recover(pass, message)
      pass.amended = await this.amendments.of(pass.changes.messages)
      await this.write(pass)
      this.tell(pass)
    }
  }

  private async apply(pass: Pass, step: Step): Promise<void> {
    switch (step.kind) {
      case 'message': return this.message(pass, step.message)
      case 'page': return await this.page(pass, step)
      case 'newest': return await this.newest(pass, step.id, step.messages)
      case 'described': return this.described(pass, step.id, step.row)
      case 'listed': return await this.list(pass, step)
      case 'change': return await this.changed(pass, step)
    }
  }

  private async write(pass: Pass): Promise<void> {
    const { rows, changes } = pass
    const conversations = [...rows.values()].filter(row => !changes.removed.includes(row.conversation_id))
    try {
      const messages = [...changes.messages, ...pass.amended]
      await this.options.store.apply({ ...changes, messages, conversations })
      pass.amended.push(...await this.amendments.missed(changes.messages))
    }
    catch (error) {
      // A device without room still shows what arrives; it is fetched again after a restart.
      console.warn('SimpleIM: the local store refused a write', error)
    }
  }

  private tell(pass: Pass): void {
    const { events, rows, onHeld } = this.options
    for (const id of pass.changes.removed) rows.delete(id)
    for (const row of pass.rows.values()) {
      if (!pass.changes.removed.includes(row.conversation_id))
        rows.set(row.conversation_id, row)
    }
    for (const [conversation_id, messages] of pass.told) {
      if (!rows.has(conversation_id))
        continue
      events.emit('messages', { conversation_id, messages })
      onHeld(conversation_id, messages.at(-1)!.seq)
    }
    for (const [conversation_id, messages] of grouped(pass.amended)) events.emit('amended', { conversation_id, messages })
    for (const row of pass.rows.values()) {
      if (rows.has(row.conversation_id))
        events.emit('conversation', row)
    }
    for (const act of pass.after) act()
  }

  private row(pass: Pass, id: string): Row | undefined {
    if (pass.changes.removed.includes(id))
      return undefined
    const open = pass.rows.get(id)
    if (open)
      return open
    const known = this.options.rows.get(id)
    return known && { ...known }
  }

  private message(pass: Pass, message: Message): void {
    const id = message.conversation_id
    const row = this.row(pass, id)
    if (!row)
      return this.unknown(message)
    if (message.seq <= row.last_seq)
      return this.known(pass, message)
    if (message.seq > row.last_seq + 1) {
      const held = this.held.get(id) ?? new Map<number, Message>()
      this.held.set(id, held)
      if (held.size < MAX_HELD)
        held.set(message.seq, message)
      pass.after.push(() => this.repair(id))
      return
    }
    this.take(pass, row, message)
    this.release(pass, row)
  }

  /** The list or another page was faster; a message of mine still has to leave the queue, and to be seen stored. */
  private known(pass: Pass, message: Message): void {
    const { message_id, from } = message
    if (from !== this.options.me || !this.options.isQueued(message_id) || pass.changes.settled.includes(message_id))
      return
    pass.recovered.push(message)
  }

  /**
   * The message as the ACK makes it, or newer, from a page. When it is not here yet it is read from the server: what was
   * done to it since it was stored is in no event that this device heard.
   */
  private async recover(pass: Pass, message: Message): Promise<void> {
    const { conversation_id, seq } = message
    const { store, history, onStalled } = this.options
    const here = pass.changes.messages.find(other => other.conversation_id === conversation_id && other.seq === seq)
    const kept = here ?? (await store.messages(conversation_id, seq, seq, 1, false))[0]
    if (kept) {
      this.keep(pass, newer(message, kept))
      return this.settle(pass, message)
    }
    void history.fetchBefore(conversation_id, seq + 1, 1).then(({ messages }) => {
      const found = messages.find(other => other.seq === seq)
      if (found)
        this.accept(found)
    }, onStalled)
  }

  private take(pass: Pass, row: Row, message: Message): void {
    const { me } = this.options
    row.last_seq = message.seq
    if (isOperation(message.type))
      this.operation(pass, row, message)
    else
      row.last_message = message
    // What the list has counted is not counted again.
    const counted = message.seq <= (this.listed.get(row.conversation_id)?.last_seq ?? 0)
    if (!counted && message.from !== me && message.seq > row.read_seq && countsAsUnread(message.type)) {
      row.unread++
      if (row.mentioned_seq === 0 && mentions(message, me))
        row.mentioned_seq = message.seq
    }
    pass.rows.set(row.conversation_id, row)
    this.keep(pass, message)
    const told = pass.told.get(row.conversation_id) ?? []
    pass.told.set(row.conversation_id, told)
    told.push(message)
    this.settle(pass, message)
    if (message.type === FrameType.event)
      this.groupEvent(pass, row, message)
  }

  /** What an operation does to the counts; what the list has counted is not counted again. */
  private operation(pass: Pass, row: Row, operation: Message): void {
    const { me } = this.options
    const content = operation.content as unknown as OperationContent
    if (row.last_message)
      row.last_message = amend(row.last_message, operation, me)
    if (operation.type === FrameType.pin || operation.type === FrameType.recall)
      pass.after.push(() => this.options.events.emit('pins', { conversation_id: row.conversation_id }))
    if (operation.seq <= (this.listed.get(row.conversation_id)?.last_seq ?? 0) || content.seq <= row.read_seq)
      return
    if (operation.type === FrameType.recall && operation.from !== me) {
      row.unread = Math.max(0, row.unread - 1)
      if (row.mentioned_seq === content.seq)
        row.mentioned_seq = 0
    }
    if (operation.type === FrameType.edit && operation.from !== me && row.mentioned_seq === 0 && mentions({ content: content.content ?? {} }, me))
      row.mentioned_seq = content.seq
  }

  /** Held messages that follow on now. */
  private release(pass: Pass, row: Row): void {
    const held = this.held.get(row.conversation_id)
    if (!held)
      return
    for (const [seq, message] of held) {
      if (seq > row.last_seq)
        continue
      this.known(pass, message)
      held.delete(seq)
    }
    for (let next = held.get(row.last_seq + 1); next; next = held.get(row.last_seq + 1)) {
      held.delete(next.seq)
      this.take(pass, row, next)
    }
    if (held.size === 0)
      this.held.delete(row.conversation_id)
  }

  private settle(pass: Pass, message: Message): void {
    const { message_id, conversation_id, from } = message
    if (from !== this.options.me || !this.options.isQueued(message_id))
      return
    pass.changes.settled.push(message_id)
    pass.after.push(() => this.options.events.emit('settled', { conversation_id, message_id, message }))
  }

  private groupEvent(pass: Pass, row: Row, message: Message): void {
    const event = message.content as unknown as GroupEventContent
    const group_id = message.group_id
    if (!group_id)
      return
    const out = event.event === 'dissolved'
      || (['kicked', 'left'].includes(event.event) && (event.target_ids ?? []).includes(this.options.me))
    if (out) {
      const { me } = this.options
      const reason = event.operator_id === me ? 'left' : event.event as 'kicked' | 'dissolved'
      this.remove(pass, row.conversation_id, { reason, title: row.group?.name ?? '' })
    }
    pass.after.push(() => this.options.onGroupEvent(group_id, event))
  }

  private remove(pass: Pass, id: string, why?: { reason: 'kicked' | 'left' | 'dissolved', title: string }): void {
    pass.changes.removed.push(id)
    pass.rows.delete(id)
    this.held.delete(id)
    pass.after.push(() => this.options.events.emit('removed', { conversation_id: id, ...why }))
  }

  // ---------------------------------------------------------------- gaps

  private repair(id: string): void {
    const row = this.options.rows.get(id)
    if (!row || this.repairing.has(id))
      return
    this.repairing.add(id)
    const target = Math.max(this.listed.get(id)?.last_seq ?? 0, ...(this.held.get(id)?.keys() ?? []))
    void this.fetchGap(id, row.last_seq, target).catch(() => {
      this.repairing.delete(id)
      this.options.onStalled()
    })
  }

  private async fetchGap(id: string, after: number, target: number): Promise<void> {
    if (target - after > MAX_GAP) {
      const { messages } = await this.options.history.fetchBefore(id, 0, PAGE)
      return this.add({ kind: 'newest', id, messages })
    }
    const { messages, hasMore } = await this.options.history.fetchAfter(id, after, PAGE, 0)
    this.add({ kind: 'page', id, after, messages, hasMore })
  }

  private async page(pass: Pass, { id, after, messages, hasMore }: Step & { kind: 'page' }): Promise<void> {
    this.repairing.delete(id)
    const row = this.row(pass, id)
    if (!row)
      return
    for (const message of messages) {
      if (message.seq > row.last_seq)
        this.take(pass, row, message)
      else
        this.known(pass, message)
    }
    this.release(pass, row)
    const held = this.held.get(id)
    const listed = this.listed.get(id)
    if (hasMore && messages.length > 0) {
      pass.after.push(() => this.repair(id))
    }
    else if (held && after >= row.last_seq) {
      // The server shows nothing between: the rest is not for this user, and is not asked for again.
      row.last_seq = Math.min(...held.keys()) - 1
      this.release(pass, row)
    }
    else if (held) {
      pass.after.push(() => this.repair(id))
    }
    else if (listed && listed.last_seq > row.last_seq) {
      row.last_seq = listed.last_seq
      pass.rows.set(id, row)
    }
    await this.agree(pass, row)
  }

  /** The row has come to where the server's list was made. */
  private async agree(pass: Pass, row: Row): Promise<void> {
    const listed = this.listed.get(row.conversation_id)
    if (!listed || row.last_seq < listed.last_seq)
      return
    this.listed.delete(row.conversation_id)
    if (row.read_seq > listed.read_seq) {
      row.unread = Infinity // read on meanwhile: counted anew
      await this.recount(pass, row)
    }
    pass.rows.set(row.conversation_id, row)
  }

  /** Jumps to the newest page; what lies between is read when somebody scrolls there. */
  private async newest(pass: Pass, id: string, messages: Message[]): Promise<void> {
    this.repairing.delete(id)
    const row = this.row(pass, id)
    const last = messages.at(-1)
    if (!row || !last || last.seq <= row.last_seq)
      return
    // What was done in between to older messages is not known.
    pass.changes.outdated.push({ conversation_id: id, before: messages[0]!.seq })
    for (const message of messages) {
      if (message.seq > row.last_seq)
        this.take(pass, row, message)
    }
    this.release(pass, row)
    await this.agree(pass, row)
  }

  // ---------------------------------------------------------------- rows

  private unknown(message: Message): void {
    const id = message.conversation_id
    const waiting = this.describing.get(id)
    if (waiting) {
      if (waiting.length < MAX_HELD)
        waiting.push(message)
      return
    }
    this.describing.set(id, [message])
    void this.options.describe(id).then(
      row => this.add({ kind: 'described', id, row }),
      () => {
        this.describing.delete(id) // the list brings it after the next reconnect
        this.options.onStalled()
      },
    )
  }

  private described(pass: Pass, id: string, row: Row | undefined): void {
    const waiting = (this.describing.get(id) ?? []).sort((a, b) => a.seq - b.seq)
    this.describing.delete(id)
    if (row && !this.row(pass, id)) {
      const before = waiting[0] ? waiting[0].seq - 1 : row.last_seq
      const read_seq = row.type === 'group' ? Math.max(row.read_seq, before) : row.read_seq
      pass.rows.set(id, { ...row, last_seq: before, read_seq })
    }
    if (this.row(pass, id)) {
      for (const message of waiting) this.message(pass, message)
    }
  }

  private async list(pass: Pass, { rows, known, complete }: Step & { kind: 'listed' }): Promise<void> {
    for (const listed of rows) await this.listRow(pass, listed, known.get(listed.conversation_id))
    if (!complete)
      return
    const there = new Set(rows.map(row => row.conversation_id))
    for (const [id, seq] of known) {
      if (!there.has(id) && seq > 0 && this.row(pass, id)?.last_seq === seq)
        this.remove(pass, id)
    }
  }

  private async listRow(pass: Pass, listed: ListedRow, knownSeq: number | undefined): Promise<void> {
    const id = listed.conversation_id
    const { delivered_seq, ...fresh } = listed
    let row = this.row(pass, id)
    if (row && knownSeq !== undefined && knownSeq > listed.last_seq) {
      // The server went back, as after a restored backup: what this device has is of another history.
      this.remove(pass, id)
      pass.after.push(() => this.introduce(fresh))
      return
    }
    if (delivered_seq < listed.last_seq)
      pass.after.push(() => this.options.onHeld(id, this.options.rows.get(id)?.last_seq ?? 0))
    if (!row || row.last_seq === 0)
      return this.firstSight(pass, listed, fresh)
    const ahead = row.read_seq
    row = {
      ...row,
      ...pick(fresh, row),
      read_seq: Math.max(row.read_seq, fresh.read_seq),
      peer_read_seq: Math.max(row.peer_read_seq, fresh.peer_read_seq),
      peer_delivered_seq: Math.max(row.peer_delivered_seq, fresh.peer_delivered_seq),
    }
    if (ahead > fresh.read_seq)
      pass.after.push(() => this.options.onRead(id, ahead))
    else if (listed.last_seq >= row.last_seq)
      Object.assign(row, { unread: fresh.unread, mentioned_seq: fresh.mentioned_seq })
    else if (ahead < fresh.read_seq)
      await this.recount(pass, row)
    pass.rows.set(id, row)
    if (listed.last_seq > row.last_seq) {
      this.listed.set(id, listed)
      pass.after.push(() => this.repair(id))
    }
  }

  /** What no device of this user has got yet is told like what arrives; what is older is history. */
  private firstSight(pass: Pass, listed: ListedRow, fresh: Row): void {
    const id = listed.conversation_id
    if (listed.delivered_seq >= listed.last_seq) {
      pass.rows.set(id, fresh)
      return this.release(pass, fresh)
    }
    const row = { ...fresh, last_seq: listed.delivered_seq }
    pass.rows.set(id, row)
    this.listed.set(id, listed)
    this.release(pass, row)
    pass.after.push(() => this.repair(id))
  }

  private keep(pass: Pass, message: Message): void {
    pass.changes.messages.push(message)
    pass.changes.covered.push({ conversation_id: message.conversation_id, from: message.seq, to: message.seq })
  }

  private async changed(pass: Pass, { id, change, onChanged }: Step & { kind: 'change' }): Promise<void> {
    const row = this.row(pass, id)
    const patch = row && change(row)
    if (!row || !patch)
      return
    const next = { ...row, ...patch }
    if (next.read_seq !== row.read_seq)
      await this.recount(pass, next)
    pass.rows.set(id, next)
    if (onChanged)
      pass.after.push(onChanged)
  }

  /** unread = messages of others after read_seq: counted on the device, which holds what is unread. */
  private async recount(pass: Pass, row: Row): Promise<void> {
    if (row.mentioned_seq <= row.read_seq)
      row.mentioned_seq = 0
    if (row.read_seq >= row.last_seq) {
      row.unread = 0
      return
    }
    const { me, store } = this.options
    const here = pass.changes.messages.filter(m =>
      m.conversation_id === row.conversation_id && m.seq > row.read_seq && m.from !== me && countsAsUnread(m.type) && !m.recalled_at)
    const kept = await store.countUnread(row.conversation_id, me, row.read_seq)
    row.unread = Math.min(row.unread, kept + here.length)
  }
}

/** What the list knows better than a row that is already here. */
function pick(fresh: Row, row: Row): Partial<Row> {
  const { peer, group, pinned, muted, archived } = fresh
  const draft = row.draft_unsynced ? row.draft : fresh.draft
  return { ...(peer ? { peer } : {}), ...(group ? { group } : {}), pinned, muted, archived, draft }
}

function grouped(messages: Message[]): Map<string, Message[]> {
  const groups = new Map<string, Message[]>()
  for (const message of messages)
    groups.set(message.conversation_id, [...groups.get(message.conversation_id) ?? [], message])
  return groups
}

function mentions(message: Pick<Message, 'content'>, me: string): boolean {
  const ids = message.content.at_user_ids
  return Array.isArray(ids) && (ids.includes(me) || ids.includes('*'))
}
