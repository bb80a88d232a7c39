import type { Message, Outgoing } from '@simpleim/sdk'
import { amend, isOperation } from '@simpleim/sdk'

/** Messages as they will be when what is on its way has arrived. */
export function withPending(messages: Message[], queue: Outgoing[], me: string): Message[] {
  const operations = queue.filter(entry => isOperation(entry.type) && entry.state !== 'failed')
  if (operations.length === 0)
    return messages
  const bySeq = new Map(operations.map(entry => [Number(entry.content.seq), [] as Outgoing[]]))
  for (const entry of operations) bySeq.get(Number(entry.content.seq))!.push(entry)
  return messages.map(message => (bySeq.get(message.seq) ?? []).reduce((shown, entry, index) => amend(shown, asStored(entry, index, me), me), message))
}

/** After everything that is stored, in the order of the queue. */
function asStored(entry: Outgoing, index: number, me: string): Message {
  const { message_id, conversation_id, type, content, created_at } = entry
  return { message_id, conversation_id, type, content, from: me, timestamp: created_at, seq: Number.MAX_SAFE_INTEGER - 1000 + index }
}
