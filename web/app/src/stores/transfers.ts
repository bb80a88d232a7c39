import { defineStore } from 'pinia'
import { shallowReactive } from 'vue'
import { im } from '../im'

/** How far uploads are, 0 to 1, by message id. */
export const useTransfers = defineStore('transfers', () => {
  const progress = shallowReactive(new Map<string, number>())
  im.on('progress', ({ message_id, sent, total }) => progress.set(message_id, total > 0 ? sent / total : 0))
  im.on('settled', ({ message_id }) => progress.delete(message_id))
  return { progress }
})
