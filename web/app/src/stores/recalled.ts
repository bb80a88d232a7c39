import type { Message } from '@simpleim/sdk'
import { defineStore } from 'pinia'
import { shallowReactive } from 'vue'
import { textOf } from '../composables/messageText'

/** Texts that were recalled in this tab, to be written anew; forgotten when it closes. */
export const useRecalled = defineStore('recalled', () => {
  const texts = shallowReactive(new Map<string, string>())
  return {
    keep: (message: Message) => void texts.set(message.message_id, textOf(message)),
    textOf: (messageId: string) => texts.get(messageId) ?? '',
  }
})
