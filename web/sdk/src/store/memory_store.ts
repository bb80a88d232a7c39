import type { Conversation, Message, Outgoing, UserName } from '../model.ts'
import type { SeqRanges } from '../seq_ranges.ts'
import type { Changes, LocalStore } from './local_store.ts'
import { countsAsUnread } from '../protocol.ts'
import { addRange, keepFrom } from '../seq_ranges.ts'

/** For Node, and for browsers that give no storage: lives as long as the client. */
export class MemoryStore implements LocalStore {
  private readonly rows = new Map<string, Conversation>()
  private readonly history = new Map<string, Map<number, Message>>()
  private readonly ranges = new Map<string, SeqRanges>()
  private readonly queue = new Map<string, Outgoing>()
  private readonly people = new Map<string, UserName>()

  async apply(changes: Changes): Promise<void> {
    for (const row of changes.conversations ?? []) this.rows.set(row.conversation_id, { ...row })
    for (const { conversation_id, before } of changes.outdated ?? []) {
      const messages = this.messagesOf(conversation_id)
      for (const seq of messages.keys()) {
        if (seq < before)
          messages.delete(seq)
      }
      this.ranges.set(conversation_id, keepFrom(this.ranges.get(conversation_id) ?? [], before))
    }
    for (const message of changes.messages ?? []) this.messagesOf(message.conversation_id).set(message.seq, message)
    for (const { conversation_id, from, to } of changes.covered ?? [])
      this.ranges.set(conversation_id, addRange(this.ranges.get(conversation_id) ?? [], from, to))
    for (const entry of changes.outgoing ?? []) this.queue.set(entry.message_id, { ...entry })
    for (const id of changes.settled ?? []) this.queue.delete(id)
    for (const user of changes.users ?? []) this.people.set(user.user_id, user)
    for (const id of changes.removed ?? []) {
      this.rows.delete(id)
      this.history.delete(id)
      this.ranges.delete(id)
      for (const entry of this.queue.values()) {
        if (entry.conversation_id === id)
          this.queue.delete(entry.message_id)
      }
    }
  }

  async conversations(): Promise<Conversation[]> {
    return Array.from(this.rows.values(), row => ({ ...row }))
  }

  async covered(conversationId: string): Promise<SeqRanges> {
    return this.ranges.get(conversationId) ?? []
  }

  async messages(conversationId: string, from: number, to: number, limit: number, newest: boolean): Promise<Message[]> {
    const found = [...this.messagesOf(conversationId).values()]
      .filter(message => message.seq >= from && message.seq <= to)
      .sort((a, b) => a.seq - b.seq)
    return newest ? found.slice(Math.max(0, found.length - limit)) : found.slice(0, limit)
  }

  async countUnread(conversationId: string, me: string, seq: number): Promise<number> {
    let count = 0
    for (const message of this.messagesOf(conversationId).values()) {
      if (message.seq > seq && message.from !== me && countsAsUnread(message.type) && !message.recalled_at)
        count++
    }
    return count
  }

  async outgoing(): Promise<Outgoing[]> {
    return [...this.queue.values()].sort((a, b) => a.order - b.order)
  }

  async users(ids: string[]): Promise<UserName[]> {
    return ids.flatMap(id => this.people.get(id) ?? [])
  }

  async size(): Promise<number> {
    return 0
  }

  async destroy(): Promise<void> {
    for (const map of [this.rows, this.history, this.ranges, this.queue, this.people]) map.clear()
  }

  private messagesOf(conversationId: string): Map<number, Message> {
    const found = this.history.get(conversationId) ?? new Map<number, Message>()
    this.history.set(conversationId, found)
    return found
  }
}
