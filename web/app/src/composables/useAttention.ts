import { useEventListener, useWindowFocus } from '@vueuse/core'
import { watch } from 'vue'
import { useChat } from '../stores/chat'

interface Attention { tab: string, focused: boolean, conversation: string | undefined }

/** Where the user looks, in whichever tab: the tab that leads must not notify of what is read in another. */
export function useAttention() {
  const chat = useChat()
  const focused = useWindowFocus()
  const tab = crypto.getRandomValues(new Uint32Array(2)).join('-')
  const others = new Map<string, Attention>()
  const channel = new BroadcastChannel('simpleim.attention')

  const tell = (isFocused: boolean) => channel.postMessage({ tab, focused: isFocused, conversation: chat.current } satisfies Attention)
  channel.onmessage = (event: MessageEvent<Attention>) => {
    const isNew = !others.has(event.data.tab)
    others.set(event.data.tab, event.data)
    if (isNew)
      tell(focused.value) // it does not know of this tab yet
  }
  watch([focused, () => chat.current], () => tell(focused.value), { immediate: true })
  useEventListener(window, 'pagehide', () => tell(false))

  return {
    /** The conversation is on a screen that has the focus. */
    isOn: (conversation: string) => (document.hasFocus() && chat.current === conversation)
      || [...others.values()].some(other => other.focused && other.conversation === conversation),
    /** Some tab of this client has the focus. */
    isHere: () => document.hasFocus() || [...others.values()].some(other => other.focused),
  }
}
