import { watchEffect } from 'vue'
import { useChat } from '../stores/chat'

/** "(3) SimpleIM" and a dot on the icon while something is unread. */
export function useTabBadge(): void {
  const chat = useChat()
  const link = document.querySelector<HTMLLinkElement>('link[rel="icon"]')
  watchEffect(() => {
    const n = chat.unread
    document.title = n > 0 ? `(${n > 99 ? '99+' : n}) SimpleIM` : 'SimpleIM'
    if (link)
      link.href = n > 0 ? 'icon-unread.svg' : 'icon.svg'
  })
}
