import type { Alarms } from './alarms.ts'
import type { Row } from './inbox.ts'
import type { Rest } from './rest.ts'

const PAUSE_MS = 1_500

/** What is typed and not sent: kept on the device at once, told to the user's other devices when he pauses. */
export class Drafts {
  private readonly waiting = new Map<string, () => void>()
  private readonly alarms: Alarms
  private readonly rest: Rest
  private readonly change: (id: string, patch: Partial<Row>) => void

  constructor(alarms: Alarms, rest: Rest, change: (id: string, patch: Partial<Row>) => void) {
    this.alarms = alarms
    this.rest = rest
    this.change = change
  }

  set(row: Row, draft: string): void {
    const id = row.conversation_id
    this.change(id, { draft, draft_unsynced: true })
    this.waiting.get(id)?.()
    // The server knows a conversation from its first message on.
    if (row.type === 'group' || row.last_seq > 0)
      this.waiting.set(id, this.alarms.set(PAUSE_MS, () => void this.push(id, draft)))
  }

  /** Sends what could not be sent while the server was away. */
  resume(rows: Iterable<Row>): void {
    for (const row of rows) {
      if (row.draft_unsynced && !this.waiting.has(row.conversation_id) && row.last_seq > 0)
        void this.push(row.conversation_id, row.draft)
    }
  }

  private async push(id: string, draft: string): Promise<void> {
    this.waiting.delete(id)
    try {
      await this.rest.call(api => api.PATCH('/api/conversations/{id}', { params: { path: { id } }, body: { draft } }))
      if (!this.waiting.has(id))
        this.change(id, { draft_unsynced: false })
    }
    catch {
      // resume() tries again
    }
  }
}
