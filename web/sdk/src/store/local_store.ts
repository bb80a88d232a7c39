import type { Conversation, Message, Outgoing, UserName } from '../model.ts'
import type { SeqRanges } from '../seq_ranges.ts'

/** What one step changes; written whole or not at all. */
export interface Changes {
  messages?: Message[]
  /** Everything visible in [from, to] is in the store now. */
  covered?: { conversation_id: string, from: number, to: number }[]
  conversations?: Conversation[]
  /** Messages before this seq may have changed unseen: forgotten, to be read from the server again. */
  outdated?: { conversation_id: string, before: number }[]
  /** Their messages and queue go with them. */
  removed?: string[]
  outgoing?: Outgoing[]
  /** Queue entries that are done, by message id. */
  settled?: string[]
  users?: UserName[]
}

/**
 * What a device keeps of one account: a copy of what the server has, and the queue of what it has not. Several tabs
 * may use it at once. `covered` says for which parts of a conversation the copy is complete.
 */
export interface LocalStore {
  apply: (changes: Changes) => Promise<void>
  conversations: () => Promise<Conversation[]>
  covered: (conversationId: string) => Promise<SeqRanges>
  /** At most `limit` messages with from ≤ seq ≤ to, ascending; the last ones when `newest`, else the first. */
  messages: (conversationId: string, from: number, to: number, limit: number, newest: boolean) => Promise<Message[]>
  /** Messages of others after `seq` that count as unread and were not recalled. */
  countUnread: (conversationId: string, me: string, seq: number) => Promise<number>
  /** In order of the queue. */
  outgoing: () => Promise<Outgoing[]>
  users: (ids: string[]) => Promise<UserName[]>
  /** Bytes used; 0 when unknown. */
  size: () => Promise<number>
  /** Forgets everything. */
  destroy: () => Promise<void>
}
