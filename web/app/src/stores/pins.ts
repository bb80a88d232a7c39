import type { Message } from '@simpleim/sdk'
import { defineStore } from 'pinia'
import { shallowReactive } from 'vue'
import { im } from '../im'

export interface Pin { message: Message, pinned_by: string, pinned_at: number }

/** Pinned messages of the conversations that were looked into, newest pin first. */
export const usePins = defineStore('pins', () => {
  const lists = shallowReactive(new Map<string, Pin[]>())
  im.on('pins', ({ conversation_id }) => {
    if (lists.has(conversation_id))
      void load(conversation_id).catch(() => {}) // the old list stays until the next change
  })
  im.on('amended', ({ conversation_id, messages }) => {
    const list = lists.get(conversation_id)
    if (list?.some(pin => messages.some(message => message.seq === pin.message.seq)))
      void load(conversation_id).catch(() => {})
  })

  async function load(id: string): Promise<void> {
    const { pins } = await im.call(api => api.GET('/api/conversations/{id}/pins', { params: { path: { id } } }))
    lists.set(id, pins)
  }

  /** A conversation that begins has none; it is followed from here on. */
  function begin(id: string): void {
    if (!lists.has(id))
      lists.set(id, [])
  }

  const of = (id: string): Pin[] => lists.get(id) ?? []
  const isPinned = (id: string, seq: number): boolean => of(id).some(pin => pin.message.seq === seq)
  return { load, begin, of, isPinned }
})
