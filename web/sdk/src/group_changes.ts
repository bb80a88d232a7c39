import type { Alarms } from './alarms.ts'
import type { Emitter } from './emitter.ts'
import type { Row } from './inbox.ts'
import type { Events, Group, GroupEventContent } from './model.ts'
import type { Rest } from './rest.ts'

/** Over how long the members of a group ask what has changed in it. */
const SPREAD_MS_A_MEMBER = 10
const MAX_SPREAD_MS = 10_000

export interface GroupChangesOptions {
  me: string
  rest: Rest
  rows: Map<string, Row>
  events: Pick<Emitter<Events>, 'emit'>
  alarms: Alarms
  random: () => number
  change: (conversationId: string, change: (row: Row) => Partial<Row> | undefined) => void
}

/**
 * Groups as their events say. What an event says is shown at once; the rest is asked for a little later, once for all
 * events of that time, and the larger the group the more its members spread out: each hears of each who comes.
 */
export class GroupChanges {
  private readonly options: GroupChangesOptions
  private readonly due = new Map<string, () => void>()

  constructor(options: GroupChangesOptions) {
    this.options = options
  }

  changed(group_id: string, event: GroupEventContent): void {
    const { alarms, change, me, random, rows } = this.options
    const id = `group:${group_id}`
    change(id, row => row.group && { group: afterEvent(row.group, event, me) })
    if (this.due.has(group_id))
      return
    const spread = Math.min(MAX_SPREAD_MS, (rows.get(id)?.group?.member_count ?? 0) * SPREAD_MS_A_MEMBER)
    this.due.set(group_id, alarms.set(50 + Math.round(random() * spread), () => {
      this.due.delete(group_id)
      void this.refresh(group_id)
    }))
  }

  stop(): void {
    for (const cancel of this.due.values()) cancel()
    this.due.clear()
  }

  private async refresh(group_id: string): Promise<void> {
    const { change, events, rest } = this.options
    events.emit('group', { group_id })
    try {
      const group = await rest.call(api => api.GET('/api/groups/{id}', { params: { path: { id: group_id } } }))
      change(`group:${group_id}`, () => ({ group }))
    }
    catch {
      // Not ours any more, or the next list brings it.
    }
  }
}

/** The group as it is after what the event says of it. Not its size: the list may have counted who comes already. */
function afterEvent(group: Group, event: GroupEventContent, me: string): Group {
  const targets = event.target_ids ?? []
  switch (event.event) {
    case 'renamed': return { ...group, name: String(event.name) }
    case 'announcement': return { ...group, announcement: String(event.announcement) }
    case 'role': return targets.includes(me) ? { ...group, role: event.role as Group['role'] } : group
    case 'muted': return targets.includes(me) ? { ...group, muted_until: Number(event.muted_until) } : group
    default: return group
  }
}
