import type { Message, Outgoing } from '@simpleim/sdk'
import { countsAsUnread } from '@simpleim/sdk'

export type Shown = Pick<Message | Outgoing, 'type' | 'content'>

/** What somebody wrote: a text, or the caption of a file. */
export function textOf(message: Shown): string {
  const { text } = message.content
  return countsAsUnread(message.type) && typeof text === 'string' ? text : ''
}

export function isRecalled(message: Shown): boolean {
  return 'recalled_at' in message && Boolean(message.recalled_at)
}

/** image, voice, video or file; undefined for a text. */
export function fileKindOf(message: Shown): 'image' | 'voice' | 'video' | 'file' | undefined {
  return ({ 4: 'image', 5: 'voice', 6: 'video', 7: 'file' } as const)[message.type as 4]
}
