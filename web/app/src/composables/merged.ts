import type { Message, Outgoing } from '@simpleim/sdk'
import { FrameType } from '@simpleim/sdk'

/** A message inside a merged forward, as the server wrote it down. */
export interface MergedMessage {
  from: string
  name: string
  type: number
  timestamp: number
  content: Record<string, unknown>
}

/** Messages that one merged forward may carry. */
export const MAX_MERGED = 100

/** What a merged forward carries; undefined for any other message. */
export function mergedOf(message: Pick<Message | Outgoing, 'type' | 'content'>): MergedMessage[] | undefined {
  const merged = message.content.merged as { messages?: unknown } | undefined
  if (message.type > FrameType.group || !Array.isArray(merged?.messages))
    return undefined
  return merged.messages.filter((one): one is MergedMessage =>
    typeof one?.from === 'string' && typeof one.name === 'string' && typeof one.type === 'number'
    && typeof one.timestamp === 'number' && typeof one.content === 'object' && one.content !== null)
}
