import { countsAsUnread } from '@simpleim/sdk'
import { ref } from 'vue'
import { useI18n } from 'vue-i18n'
import { im } from '../im'
import { useAuth } from '../stores/auth'
import { useChat } from '../stores/chat'
import { usePeople } from '../stores/people'
import { previewOf } from './useMessagePreview'

/** New messages of the open conversation, for screen readers. */
export function useAnnouncements() {
  const announcement = ref('')
  const auth = useAuth()
  const chat = useChat()
  const people = usePeople()
  const { t } = useI18n()

  im.on('messages', ({ conversation_id, messages }) => {
    const last = messages.findLast(message => countsAsUnread(message.type))
    if (conversation_id === chat.current && last && last.from !== auth.me)
      announcement.value = t('chat.arrived', { name: people.nameOf(last.from), text: previewOf(last).slice(0, 200) })
  })

  // What was recalled is not left standing here either.
  im.on('amended', ({ conversation_id, messages }) => {
    const gone = messages.find(message => message.recalled_at)
    if (conversation_id === chat.current && gone)
      announcement.value = t('message.recalledBy', { name: people.nameOf(gone.recalled_by ?? '') })
  })

  return { announcement }
}
