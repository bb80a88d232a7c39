import { onScopeDispose, shallowRef } from 'vue'
import { im } from '../im'
import { useAuth } from '../stores/auth'

/** A signal comes every 3 s; without a new one for this long the typing has stopped. */
const SHOWN_MS = 5_000

/** Who is typing in a conversation. */
export function useTyping(conversationId: () => string) {
  const auth = useAuth()
  const typists = shallowRef<string[]>([])
  const timers = new Map<string, ReturnType<typeof setTimeout>>()

  function stop(userId: string): void {
    clearTimeout(timers.get(userId))
    timers.delete(userId)
    typists.value = [...timers.keys()]
  }

  const ends = [
    im.on('typing', ({ conversation_id, user_id }) => {
      if (conversation_id !== conversationId() || user_id === auth.me)
        return
      clearTimeout(timers.get(user_id))
      timers.set(user_id, setTimeout(stop, SHOWN_MS, user_id))
      typists.value = [...timers.keys()]
    }),
    im.on('messages', ({ conversation_id, messages }) => {
      if (conversation_id === conversationId())
        messages.forEach(message => stop(message.from))
    }),
  ]
  onScopeDispose(() => {
    ends.forEach(end => end())
    timers.forEach(clearTimeout)
  })

  return { typists }
}
