import { defineStore } from 'pinia'
import { ref, shallowRef } from 'vue'

/** The search window, and where it looks. */
export const useSearch = defineStore('search', () => {
  const isOpen = ref(false)
  const conversationId = shallowRef<string>()

  /** Without an id: everywhere. */
  function open(id?: string): void {
    conversationId.value = id
    isOpen.value = true
  }

  function close(): void {
    isOpen.value = false
  }

  return { isOpen, conversationId, open, close }
})
