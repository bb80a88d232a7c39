import type { History } from './history.ts'
import type { Message } from './model.ts'

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
    const older = await history.before(conversationId, from, before)
    const newer = await history.after(conversationId, from - 1, after, end)
    if (generation !== this.generation)
      return
    this.opened = true
    this.replace([...older.messages, ...newer.messages], older.hasMore, newer.hasMore)
    await this.catchUp()
  }

  /** Messages that were there before the first one here. Does nothing while it is at it already. */
  async loadOlder(limit = 60): Promise<void> {
    const first = this.messages[0]
    if (!this.hasOlder || this.loading.older || !first)
      return
    await this.load('older', async () => {
      const page = await this.options.history.before(this.conversationId, first.seq, limit)
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

  private replace(messages: Message[], hasOlder: boolean, hasNewer: boolean): void {
    this.messages = messages
    this.hasOlder = hasOlder
    this.hasNewer = hasNewer
    this.options.onChange()
  }
}
