import type { Message, Outgoing } from '@simpleim/sdk'

/** What somebody wrote; empty for what is not text. */
export function textOf(message: Pick<Message | Outgoing, 'type' | 'content'>): string {
  const text = message.type <= 2 ? message.content.text : undefined
  return typeof text === 'string' ? text : ''
}
