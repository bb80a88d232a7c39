import { useEventListener } from '@vueuse/core'
import { ref } from 'vue'
import { useRouter } from 'vue-router'
import { useChat } from '../stores/chat'
import { useSearch } from '../stores/search'

const isMac = /Mac|iPhone|iPad/.test(navigator.userAgent)
export const MOD = isMac ? '⌘' : 'Ctrl'
const helpOpen = ref(false)

/** The keys of the page: listed in ShortcutsDialog. */
export function useShortcuts() {
  const chat = useChat()
  const router = useRouter()
  const search = useSearch()

  function move(step: number): void {
    const rows = chat.listed
    const at = rows.findIndex(row => row.conversation_id === chat.current)
    const next = rows[Math.min(Math.max(at + step, 0), rows.length - 1)]
    if (next)
      void router.push({ name: 'chat', params: { id: next.conversation_id } })
  }

  useEventListener(document, 'keydown', (event: KeyboardEvent) => {
    if (event.isComposing || event.defaultPrevented)
      return
    const mod = isMac ? event.metaKey : event.ctrlKey
    if (mod && event.key.toLowerCase() === 'k')
      document.querySelector<HTMLElement>('[data-shortcut="find"]')?.focus()
    else if (mod && event.shiftKey && event.key.toLowerCase() === 'f')
      search.open(chat.current)
    else if (mod && event.key === '/')
      helpOpen.value = !helpOpen.value
    else if (event.altKey && event.key === 'ArrowDown')
      move(1)
    else if (event.altKey && event.key === 'ArrowUp')
      move(-1)
    else
      return
    event.preventDefault()
  })

  return { helpOpen }
}
