import { defineStore } from 'pinia'
import { ref } from 'vue'

export interface Toast { id: number, text: string, tone: 'plain' | 'danger' }

const SHOWN_MS = 5_000

export const useToasts = defineStore('toasts', () => {
  const toasts = ref<Toast[]>([])
  let last = 0

  function show(text: string, tone: Toast['tone'] = 'plain'): void {
    const id = ++last
    toasts.value = [...toasts.value.slice(-2), { id, text, tone }]
    setTimeout(close, SHOWN_MS, id)
  }

  function close(id: number): void {
    toasts.value = toasts.value.filter(toast => toast.id !== id)
  }

  return { toasts, show, close }
})
