import type { Message, Reaction } from './model.ts'
import { FrameType } from './protocol.ts'

/** What an operation carries: docs/protocol.md, types 32, 35, 36, 39. */
export interface OperationContent {
  /** The message it is about, and its seq. */
  message_id: string
  seq: number
  content?: Record<string, unknown>
  emoji?: string
  add?: boolean
  /** How many react with the emoji now; the server's word. */
  count?: number
  pin?: boolean
}

/** The seq up to which a message shows the effect of operations. */
export function stateOf(message: Message): number {
  return Math.max(message.state_seq ?? 0, message.version ?? 0, message.seq)
}

/** The message as the operation leaves it; the same object when it has been applied already. */
export function amend(message: Message, operation: Message, me: string): Message {
  const content = operation.content as unknown as OperationContent
  if (operation.seq <= stateOf(message) || message.seq !== content.seq)
    return message
  const next: Message = { ...message, state_seq: operation.seq }
  switch (operation.type) {
    case FrameType.recall: {
      const { reactions: _, edited_at: __, ...rest } = next
      return { ...rest, content: { recalled: true }, version: operation.seq, recalled_at: operation.timestamp, recalled_by: operation.from }
    }
    case FrameType.edit:
      // The content of an edit of what was recalled is gone.
      return content.content ? { ...next, content: content.content, version: operation.seq, edited_at: operation.timestamp } : next
    case FrameType.reaction:
      return { ...next, reactions: react(message.reactions ?? [], content, operation.from, me) }
    default:
      return next
  }
}

function react(reactions: Reaction[], { emoji = '', add = true, count }: OperationContent, from: string, me: string): Reaction[] {
  const before = reactions.find(reaction => reaction.emoji === emoji) ?? { emoji, count: 0, mine: false, user_ids: [] }
  const others = before.user_ids.filter(id => id !== from)
  const known = before.user_ids.length > others.length
  const after: Reaction = {
    emoji,
    count: count ?? before.count + (add ? (known ? 0 : 1) : (known ? -1 : 0)),
    mine: from === me ? add : before.mine,
    user_ids: add ? [...others, from].slice(0, 10) : others,
  }
  if (after.count <= 0)
    return reactions.filter(reaction => reaction.emoji !== emoji)
  return reactions.some(reaction => reaction.emoji === emoji)
    ? reactions.map(reaction => (reaction.emoji === emoji ? after : reaction))
    : [...reactions, after]
}
