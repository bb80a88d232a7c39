import type { Message } from './model.ts'
import type { Rest } from './rest.ts'
import type { LocalStore } from './store/local_store.ts'
import { Amendments } from './amendments.ts'
import { groupOf, peerOf } from './protocol.ts'
import { rangeAt } from './seq_ranges.ts'

export interface Page {
  /** Ascending, without gap to the seq that was asked for. */
  messages: Message[]
  /** There is more in that direction. */
  hasMore: boolean
}

type Fetched = Page & { asOf: number }

/** Reads a conversation page by page: from the device where its copy is complete, else from the server. */
export class History {
  private readonly me: string
  private readonly store: LocalStore
  private readonly rest: Rest
  private readonly amendments: Amendments

  constructor(me: string, store: LocalStore, rest: Rest) {
    this.me = me
    this.store = store
    this.rest = rest
    this.amendments = new Amendments(store, me)
  }

  /** The newest `limit` messages older than `before`. */
  async before(conversationId: string, before: number, limit: number): Promise<Page> {
    if (before <= 1)
      return { messages: [], hasMore: false }
    const range = rangeAt(await this.store.covered(conversationId), before - 1)
    if (range) {
      const messages = await this.store.messages(conversationId, range[0], before - 1, limit, true)
      const first = messages[0]?.seq ?? range[0]
      if (messages.length > 0 || first <= 1)
        return { messages, hasMore: messages.length === limit ? first > 1 : range[0] > 1 }
      return await this.before(conversationId, range[0], limit) // nothing to be seen in that stretch
    }
    return await this.fetchBefore(conversationId, before, limit)
  }

  /** The oldest `limit` messages newer than `after`, up to `end`: what is newer than that comes by itself. */
  async after(conversationId: string, after: number, limit: number, end: number): Promise<Page> {
    if (after >= end)
      return { messages: [], hasMore: false }
    const range = rangeAt(await this.store.covered(conversationId), after + 1)
    if (range) {
      const to = Math.min(range[1], end)
      const messages = await this.store.messages(conversationId, after + 1, to, limit, false)
      if (messages.length > 0)
        return { messages, hasMore: messages.at(-1)!.seq < end && (messages.length === limit || to < end) }
      return await this.after(conversationId, to, limit, end)
    }
    return await this.fetchAfter(conversationId, after, limit, end)
  }

  /** From the server. `before` 0: the newest of all. */
  async fetchBefore(conversationId: string, before: number, limit: number): Promise<Page> {
    const page = await this.fetch(conversationId, { limit, last_seq: before })
    const first = page.messages[0]?.seq ?? before
    const last = before > 0 ? before - 1 : page.messages.at(-1)?.seq ?? 0
    return await this.keep(conversationId, page, page.hasMore ? first : 1, last)
  }

  /** From the server. */
  async fetchAfter(conversationId: string, after: number, limit: number, end: number): Promise<Page> {
    const page = await this.fetch(conversationId, { limit, after_seq: after })
    const last = page.messages.at(-1)?.seq ?? after
    return await this.keep(conversationId, page, after + 1, page.hasMore ? last : Math.max(last, end))
  }

  private async keep(conversationId: string, page: Fetched, from: number, to: number): Promise<Page> {
    await this.store.apply({ messages: page.messages, covered: [{ conversation_id: conversationId, from, to }] })
    const messages = await this.amendments.ofPage(conversationId, page.messages, page.asOf)
    return { messages, hasMore: page.hasMore }
  }

  private async fetch(
    conversationId: string,
    query: { limit: number, last_seq?: number, after_seq?: number },
  ): Promise<Fetched> {
    const group = groupOf(conversationId)
    const data = await this.rest.call(api => group
      ? api.GET('/api/messages/group/{id}', { params: { path: { id: group }, query } })
      : api.GET('/api/messages/private/{id}', { params: { path: { id: peerOf(conversationId, this.me) }, query } }))
    const messages: Message[] = data.messages.map(message => ({ ...message, state_seq: data.as_of }))
    return { messages, hasMore: data.has_more, asOf: data.as_of }
  }
}
