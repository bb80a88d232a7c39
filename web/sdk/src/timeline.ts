import type { History, Page } from './history.ts'
import type { Message } from './model.ts'
import { newer } from './amendments.ts'
import { isOperation } from './protocol.ts'

export interface TimelineOptions {
  conversationId: string
  history: History
  /** Where the conversation ends now. */
  lastSeq: () => number
  onChange: () => void
}

/**
 * The part of a conversation that is on the screen's side of memory: one run of messages without a gap, that grows at
 * either end. New messages join it only while it reaches to the newest.
 */
export class Timeline {
  /** Ascending by seq, without gaps. A new array after every change. */
  messages: Message[] = []
  hasOlder = true
  hasNewer = false
  /** The first page is there. */
  opened = false
  private readonly options: TimelineOptions
  private readonly loading = { older: false, newer: false }
  private readonly amended = new Map<number, Message>()
  private generation = 0

  constructor(options: TimelineOptions) {
    this.options = options
  }

  get conversationId(): string {
    return this.options.conversationId
  }

  /** Shows the newest messages, or those around `seq`. */
  async open(seq?: number, before = 30, after = 60): Promise<void> {
    const generation = ++this.generation
    const end = this.options.lastSeq()
    const { history, conversationId } = this.options
    const from = seq === undefined || seq > end ? end + 1 : seq
    const older = await this.older(from, before)
    const later = await history.after(conversationId, from - 1, after, end)
    if (generation !== this.generation)
      return
    this.opened = true
    this.replace([...older.messages, ...later.messages], older.hasMore, later.hasMore)
    await this.catchUp()
  }

  /** Messages that were there before the first one here. Does nothing while it is at it already. */
  async loadOlder(limit = 60): Promise<void> {
    const first = this.messages[0]
    if (!this.hasOlder || this.loading.older || !first)
      return
    await this.load('older', async () => {
      const page = await this.older(first.seq, limit)
      return () => this.replace([...page.messages, ...this.messages], page.hasMore, this.hasNewer)
    })
  }

  async loadNewer(limit = 60): Promise<void> {
    const last = this.messages.at(-1)
    if (!this.hasNewer || this.loading.newer || !last)
      return
    await this.load('newer', async () => {
      const page = await this.options.history.after(this.conversationId, last.seq, limit, this.options.lastSeq())
      return () => this.replace([...this.messages, ...page.messages], this.hasOlder, page.hasMore)
    })
  }

  /** What the events say is new. */
  add(messages: Message[]): void {
    if (this.hasNewer)
      return
    const last = this.messages.at(-1)?.seq ?? 0
    const fresh = messages.filter(message => message.seq > last)
    const first = fresh[0]
    if (!first)
      return
    // A jump over what is only on the server: the list ends before it until somebody scrolls there.
    if (last > 0 && first.seq > last + 1)
      this.replace(this.messages, this.hasOlder, true)
    else
      this.replace([...this.messages, ...fresh], this.messages.length > 0 ? this.hasOlder : first.seq > 1, false)
  }

  /** A message of mine that was stored while the list jumped over it. */
  follow(message: Message): void {
    if (message.seq === (this.messages.at(-1)?.seq ?? 0) + 1)
      this.add([message])
    else
      void this.catchUp().catch(() => {}) // the next event or connect tries again
  }

  /** The conversation may have moved on without an event of each message, as when the list was read. */
  async catchUp(): Promise<void> {
    const last = this.messages.at(-1)?.seq ?? 0
    if (this.hasNewer || !this.opened || this.loading.newer || last >= this.options.lastSeq())
      return
    await this.load('newer', async () => {
      const page = await this.options.history.after(this.conversationId, last, 200, this.options.lastSeq())
      return () => {
        this.add(page.messages)
        if (page.hasMore)
          this.replace(this.messages, this.hasOlder, true)
      }
    })
  }

  /** Older messages, on until one of them is there to be shown: a stretch may hold nothing but operations. */
  private async older(from: number, limit: number): Promise<Page> {
    let page = await this.options.history.before(this.conversationId, from, limit)
    while (page.hasMore && page.messages.length > 0 && page.messages.every(message => isOperation(message.type))) {
      const more = await this.options.history.before(this.conversationId, page.messages[0]!.seq, limit)
      page = { messages: [...more.messages, ...page.messages], hasMore: more.hasMore }
    }
    return page
  }

  private async load(end: 'older' | 'newer', read: () => Promise<() => void>): Promise<void> {
    const { generation } = this
    this.loading[end] = true
    try {
      const show = await read()
      if (generation === this.generation)
        show()
    }
    finally {
      this.loading[end] = false
    }
  }

  /** Operations changed these; a page that is on its way may show them as they were. */
  amend(messages: Message[]): void {
    for (const message of messages) this.amended.set(message.seq, message)
    const seqs = new Set(messages.map(message => message.seq))
    if (this.messages.some(message => seqs.has(message.seq)))
      this.replace(this.messages, this.hasOlder, this.hasNewer)
  }

  private replace(messages: Message[], hasOlder: boolean, hasNewer: boolean): void {
    this.messages = this.amended.size === 0 ? messages : messages.map(message => newer(message, this.amended.get(message.seq)))
    this.hasOlder = hasOlder
    this.hasNewer = hasNewer
    this.options.onChange()
  }
}
