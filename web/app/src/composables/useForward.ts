import type { Message } from '@simpleim/sdk'
import { FrameType } from '@simpleim/sdk'
import { im } from '../im'
import { useAuth } from '../stores/auth'
import { textOf } from './messageText'
import { useConversationNames } from './useConversationNames'

/** What belongs to the place where it was said stays there. */
const LOCAL = new Set(['reply_to', 'reply_seq', 'at_user_ids'])

export function useForward() {
  const auth = useAuth()
  const { speakerOf } = useConversationNames()

  /** Sends a copy to another conversation, with the name of who said it first. */
  async function forward(message: Message, conversationId: string): Promise<void> {
    const kept = Object.entries(message.content).filter(([key]) => !LOCAL.has(key))
    const first = typeof message.content.forwarded_from === 'string' ? message.content.forwarded_from : undefined
    const author = message.from === auth.me ? auth.session?.nickname ?? '' : speakerOf(message.from, message.group_id)
    const content = { ...Object.fromEntries(kept), forwarded_from: first ?? author }
    if (message.type > FrameType.event)
      await im.resend(conversationId, message.type, content)
    else
      await im.send(conversationId, { ...content, text: textOf(message) })
  }

  return { forward }
}
