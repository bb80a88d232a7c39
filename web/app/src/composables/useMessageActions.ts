import type { Message } from '@simpleim/sdk'
import type { InjectionKey, Ref } from 'vue'
import type { MergedMessage } from './merged'
import { inject } from 'vue'

/** What can be done with a message of the open conversation; ConversationPane does it. */
export interface MessageActions {
  reply: (message: Message) => void
  edit: (message: Message, text?: string) => void
  forward: (message: Message) => void
  readers: (messageId: string) => void
  /** Shows what it said before it was edited. */
  versions: (message: Message) => void
  /** Shows it to whoever runs the server. */
  report: (message: Message) => void
  mention: (userId: string) => void
  copy: (text: string) => void
  /** Shows a message in its place. */
  jump: (seq: number) => void
  /** Shows all of a merged forward. */
  unfold: (messages: MergedMessage[]) => void
  /** Takes a message into the selection, or out of it; the first begins one. */
  select: (message: Message) => void
  /** By message id; undefined: nobody is selecting. */
  selected: Readonly<Ref<ReadonlyMap<string, Message> | undefined>>
  /** Opens a picture. */
  view: (message: Message) => void
}

export const messageActions: InjectionKey<MessageActions> = Symbol('message actions')

export function useMessageActions(): MessageActions {
  return inject(messageActions)!
}
