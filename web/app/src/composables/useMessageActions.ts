import type { Message } from '@simpleim/sdk'
import type { InjectionKey } from 'vue'
import { inject } from 'vue'

/** What can be done with a message of the open conversation; ConversationPane does it. */
export interface MessageActions {
  reply: (message: Message) => void
  edit: (message: Message, text?: string) => void
  forward: (message: Message) => void
  readers: (messageId: string) => void
  mention: (userId: string) => void
  copy: (text: string) => void
  /** Shows a message in its place. */
  jump: (seq: number) => void
  /** Opens a picture. */
  view: (message: Message) => void
}

export const messageActions: InjectionKey<MessageActions> = Symbol('message actions')

export function useMessageActions(): MessageActions {
  return inject(messageActions)!
}
