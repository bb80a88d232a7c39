import { ref } from 'vue'
import { useI18n } from 'vue-i18n'
import { im } from '../im'
import { useAuth } from '../stores/auth'
import { useChat } from '../stores/chat'
import { usePeople } from '../stores/people'
import { textOf } from './messageText'

/** New messages of the open conversation, for screen readers. */
export function useAnnouncements() {
  const announcement = ref('')
  const auth = useAuth()
  const chat = useChat()
  const people = usePeople()
  const { t } = useI18n()

  im.on('messages', ({ conversation_id, messages }) => {
    const last = messages.at(-1)
    if (conversation_id === chat.current && last && last.from !== auth.me && textOf(last))
      announcement.value = t('chat.arrived', { name: people.nameOf(last.from), text: textOf(last).slice(0, 200) })
  })

  return { announcement }
}
