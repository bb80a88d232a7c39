import type { EntityTable, Table } from 'dexie'
import type { Conversation, Message, Outgoing, UserName } from '../model.ts'
import type { SeqRanges } from '../seq_ranges.ts'
import type { Changes, LocalStore } from './local_store.ts'
import Dexie from 'dexie'
import { countsAsUnread } from '../protocol.ts'
import { addRange, keepFrom } from '../seq_ranges.ts'

interface CoveredRow { conversation_id: string, ranges: SeqRanges }

class Database extends Dexie {
  declare conversations: EntityTable<Conversation, 'conversation_id'>
  declare messages: Table<Message, [string, number]>
  declare covered: EntityTable<CoveredRow, 'conversation_id'>
  declare outgoing: EntityTable<Outgoing, 'message_id'>
  declare users: EntityTable<UserName, 'user_id'>

  constructor(name: string) {
    super(name, { chromeTransactionDurability: 'relaxed' })
    this.version(1).stores({
      conversations: '&conversation_id',
      messages: '[conversation_id+seq]',
      covered: '&conversation_id',
      outgoing: '&message_id, order, conversation_id',
      users: '&user_id',
    })
  }
}

/** The browser's IndexedDB, one database an account. */
export class IndexedDbStore implements LocalStore {
  private readonly db: Database

  constructor(userId: string) {
    this.db = new Database(`simpleim:${userId}`)
  }

  /** Rejects where the browser gives no storage. */
  async open(): Promise<void> {
    await this.db.open()
  }

  async apply(changes: Changes): Promise<void> {
    const { db } = this
    await db.transaction('rw', [db.conversations, db.messages, db.covered, db.outgoing, db.users], async () => {
      if (changes.conversations?.length)
        await db.conversations.bulkPut(changes.conversations)
      for (const { conversation_id, before } of changes.outdated ?? []) {
        await this.between(conversation_id, 0, before - 1).delete()
        const row = await db.covered.get(conversation_id)
        await db.covered.put({ conversation_id, ranges: keepFrom(row?.ranges ?? [], before) })
      }
      if (changes.messages?.length)
        await db.messages.bulkPut(changes.messages)
      for (const { conversation_id, from, to } of changes.covered ?? []) {
        const row = await db.covered.get(conversation_id)
        await db.covered.put({ conversation_id, ranges: addRange(row?.ranges ?? [], from, to) })
      }
      if (changes.outgoing?.length)
        await db.outgoing.bulkPut(changes.outgoing)
      if (changes.settled?.length)
        await db.outgoing.bulkDelete(changes.settled)
      if (changes.users?.length)
        await db.users.bulkPut(changes.users)
      for (const id of changes.removed ?? []) {
        await db.conversations.delete(id)
        await db.covered.delete(id)
        await db.outgoing.where('conversation_id').equals(id).delete()
        await this.between(id, 0, Infinity).delete()
      }
    })
  }

  conversations(): Promise<Conversation[]> {
    return this.db.conversations.toArray()
  }

  async covered(conversationId: string): Promise<SeqRanges> {
    return (await this.db.covered.get(conversationId))?.ranges ?? []
  }

  async messages(conversationId: string, from: number, to: number, limit: number, newest: boolean): Promise<Message[]> {
    const range = this.between(conversationId, from, to)
    return newest ? (await range.reverse().limit(limit).toArray()).reverse() : range.limit(limit).toArray()
  }

  async countUnread(conversationId: string, me: string, seq: number): Promise<number> {
    return this.between(conversationId, seq + 1, Infinity)
      .filter(message => message.from !== me && countsAsUnread(message.type) && !message.recalled_at)
      .count()
  }

  outgoing(): Promise<Outgoing[]> {
    return this.db.outgoing.orderBy('order').toArray()
  }

  async users(ids: string[]): Promise<UserName[]> {
    return (await this.db.users.bulkGet(ids)).filter(user => user !== undefined)
  }

  async size(): Promise<number> {
    return (await navigator.storage?.estimate?.())?.usage ?? 0
  }

  async destroy(): Promise<void> {
    await this.db.delete()
  }

  private between(conversationId: string, from: number, to: number) {
    return this.db.messages.where('[conversation_id+seq]').between([conversationId, from], [conversationId, to], true, true)
  }
}
