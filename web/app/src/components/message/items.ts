import type { Message, Outgoing } from '@simpleim/sdk'
import { isOperation } from '@simpleim/sdk'

/** What the list shows, one below the other. */
export type Item
  = | { kind: 'start', key: string }
    | { kind: 'day', key: string, time: number }
    | { kind: 'unread', key: string }
    | { kind: 'event', key: string, message: Message }
    | { kind: 'message', key: string, message: Message | Outgoing, seq: number, time: number, mine: boolean, first: boolean, last: boolean }

/** Messages of one sender within this time stand together. */
const GROUP_MS = 5 * 60_000

export interface ItemsInput {
  messages: Message[]
  pending: Outgoing[]
  me: string
  /** The line "new messages" comes before the first message after this seq; 0: no line. */
  unreadAfter: number
  hasOlder: boolean
  hasNewer: boolean
  dayOf: (time: number) => number
}

/** Puts days, the unread line and messages in order, and says which messages stand together. */
export function itemsOf({ messages, pending, me, unreadAfter, hasOlder, hasNewer, dayOf }: ItemsInput): Item[] {
  const items: Item[] = hasOlder ? [] : [{ kind: 'start', key: 'start' }]
  const stored = new Set(messages.map(message => message.message_id))
  let day = 0
  let lineDrawn = unreadAfter === 0
  let previous: (Item & { kind: 'message' }) | undefined

  function onDay(time: number): void {
    if (dayOf(time) === day)
      return
    day = dayOf(time)
    items.push({ kind: 'day', key: `day-${day}`, time })
    previous = undefined
  }

  function show(message: Message | Outgoing, from: string, seq: number, time: number): void {
    const together = previous !== undefined && senderOf(previous.message, me) === from && time - previous.time < GROUP_MS
    if (together)
      previous!.last = false
    previous = { kind: 'message', key: message.message_id, message, seq, time, mine: from === me, first: !together, last: true }
    items.push(previous)
  }

  for (const message of messages) {
    if (isOperation(message.type))
      continue
    onDay(message.timestamp)
    if (!lineDrawn && message.seq > unreadAfter && message.type !== 3 && message.from !== me) {
      lineDrawn = true
      previous = undefined
      items.push({ kind: 'unread', key: 'unread' })
    }
    if (message.type === 3) {
      items.push({ kind: 'event', key: message.message_id, message })
      previous = undefined
      continue
    }
    show(message, message.from, message.seq, message.timestamp)
  }
  if (hasNewer)
    return items
  for (const entry of pending) {
    if (stored.has(entry.message_id))
      continue
    onDay(entry.created_at)
    show(entry, me, 0, entry.created_at)
  }
  return items
}

function senderOf(message: Message | Outgoing, me: string): string {
  return 'from' in message ? message.from : me
}
