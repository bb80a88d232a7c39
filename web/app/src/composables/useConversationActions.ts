import type { Conversation } from '@simpleim/sdk'
import type { MenuItem } from '../components/ui/AppMenu.vue'
import { useI18n } from 'vue-i18n'
import { im } from '../im'
import { useErrors } from './useErrors'

/** What can be done with a line of the list. */
export function useConversationActions() {
  const { t } = useI18n()
  const { attempt } = useErrors()

  function itemsFor(row: Conversation): MenuItem[] {
    const id = row.conversation_id
    const set = (settings: Parameters<typeof im.set>[1]) => () => void attempt(() => im.set(id, settings))
    return [
      { label: row.pinned ? t('list.unpin') : t('list.pin'), icon: row.pinned ? 'i-lucide-pin-off' : 'i-lucide-pin', testid: 'conversation-pin', act: set({ pinned: !row.pinned }) },
      { label: row.muted ? t('list.unmute') : t('list.mute'), icon: row.muted ? 'i-lucide-bell' : 'i-lucide-bell-off', testid: 'conversation-mute', act: set({ muted: !row.muted }) },
      ...(row.unread > 0 ? [{ label: t('list.markRead'), icon: 'i-lucide-check-check', act: () => im.markRead(id, row.last_seq) }] : []),
      { label: row.archived ? t('list.unarchive') : t('list.archive'), icon: 'i-lucide-archive', testid: 'conversation-archive', act: set({ archived: !row.archived }) },
    ]
  }

  return { itemsFor }
}
