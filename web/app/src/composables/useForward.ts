import type { Message } from '@simpleim/sdk'
import type { MergedMessage } from './merged'
import { FILES } from '@simpleim/sdk'
import { im } from '../im'
import { useAuth } from '../stores/auth'
import { mergedOf } from './merged'
import { textOf } from './messageText'
import { useConversationNames } from './useConversationNames'
import { previewOf } from './useMessagePreview'

/** What belongs to the place where it was said stays there. */
const LOCAL = new Set(['reply_to', 'reply_seq', 'at_user_ids'])

export function useForward() {
  const auth = useAuth()
  const { speakerOf } = useConversationNames()

  function nameOf(message: Message): string {
    return message.from === auth.me ? auth.session?.nickname ?? '' : speakerOf(message.from, message.group_id)
  }

  /** Sends a copy to another conversation, with the name of who said it first. */
  async function forward(message: Message, conversationId: string): Promise<void> {
    const kept = Object.entries(message.content).filter(([key]) => !LOCAL.has(key))
    const first = typeof message.content.forwarded_from === 'string' ? message.content.forwarded_from : undefined
    const content = { ...Object.fromEntries(kept), forwarded_from: first ?? nameOf(message) }
    if (mergedOf(message))
      return forwardMerged([message], conversationId)
    if (FILES.has(message.type))
      await im.resend(conversationId, message.type, content)
    else
      await im.send(conversationId, { ...content, text: textOf(message) })
  }

  /** Sends them as one message. The server writes what they say; until it did, this device shows what it knows. */
  async function forwardMerged(messages: Message[], conversationId: string): Promise<void> {
    const shown = messages.map((one): MergedMessage => ({ from: one.from, name: nameOf(one), type: one.type, timestamp: one.timestamp, content: one.content }))
    const text = shown.map(one => `${one.name}: ${previewOf(one)}`).join('\n')
    await im.send(conversationId, { text, merged: { message_ids: messages.map(one => one.message_id), messages: shown } })
  }

  return { forward, forwardMerged }
}
