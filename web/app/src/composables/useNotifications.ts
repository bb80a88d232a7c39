import type { Message } from '@simpleim/sdk'
import { countsAsUnread } from '@simpleim/sdk'
import { useI18n } from 'vue-i18n'
import { useRouter } from 'vue-router'
import { im } from '../im'
import { useAuth } from '../stores/auth'
import { usePrefs } from '../stores/prefs'
import { chime } from './chime'
import { useAttention } from './useAttention'
import { useConversationNames } from './useConversationNames'
import { previewOf } from './useMessagePreview'

/** Tells of new messages outside the page; never of muted conversations, of the one in focus, or in quiet hours. */
export function useNotifications() {
  const auth = useAuth()
  const attention = useAttention()
  const prefs = usePrefs()
  const router = useRouter()
  const { t } = useI18n()
  const { titleOf, speakerOf } = useConversationNames()

  im.on('messages', ({ conversation_id, messages }) => {
    const row = im.conversation(conversation_id)
    const last = messages.findLast(message => message.from !== auth.me && countsAsUnread(message.type))
    // Every tab hears of it; the leading one speaks.
    if (!row || !last || !im.leads || row.muted || prefs.isQuiet(new Date()) || last.seq <= row.read_seq)
      return
    if (attention.isOn(conversation_id))
      return
    if (prefs.sound)
      chime()
    if (prefs.notifications && !attention.isHere() && 'Notification' in window && Notification.permission === 'granted')
      show(last)
  })

  function show(message: Message): void {
    const row = im.conversation(message.conversation_id)
    if (!row)
      return
    const who = speakerOf(message.from, message.group_id)
    const title = row.type === 'group' ? t('notify.inGroup', { who, name: titleOf(row) }) : t('notify.title', { name: titleOf(row) })
    const body = prefs.preview ? previewOf(message).slice(0, 160) : t('notify.hidden')
    const note = new Notification(title, { body, tag: message.conversation_id, icon: 'icon-192.png' })
    note.onclick = () => {
      window.focus()
      void router.push({ name: 'chat', params: { id: message.conversation_id } })
      note.close()
    }
  }
}
