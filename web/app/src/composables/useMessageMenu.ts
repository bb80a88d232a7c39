import type { Conversation, Message } from '@simpleim/sdk'
import type { MenuItem } from '../components/ui/AppMenu.vue'
import { FrameType } from '@simpleim/sdk'
import { t } from '../i18n'
import { im } from '../im'
import { useAuth } from '../stores/auth'
import { usePins } from '../stores/pins'
import { useRecalled } from '../stores/recalled'
import { useServer } from '../stores/server'
import { mergedOf } from './merged'
import { textOf } from './messageText'
import { useConfirm } from './useConfirm'
import { useConversationNames } from './useConversationNames'
import { useErrors } from './useErrors'
import { useMessageActions } from './useMessageActions'

/** What this user may do with a message. */
export function useMessageMenu(row: () => Conversation) {
  const auth = useAuth()
  const pins = usePins()
  const server = useServer()
  const recalled = useRecalled()
  const actions = useMessageActions()
  const { attempt } = useErrors()
  const { ask } = useConfirm()
  const { speakerOf } = useConversationNames()

  async function recall(message: Message): Promise<void> {
    if (!await ask({ title: t('message.recallTitle'), text: t('message.recallText'), act: t('message.recall') }))
      return
    recalled.keep(message)
    await attempt(() => im.recall(message))
  }

  function menuOf(message: Message, react: () => void): MenuItem[] {
    const { conversation_id, group } = row()
    const mine = message.from === auth.me
    const age = Date.now() - message.timestamp
    const text = textOf(message)
    const isAdmin = group?.role === 'owner' || group?.role === 'admin'
    const pinned = pins.isPinned(conversation_id, message.seq)
    const speaker = speakerOf(message.from, group?.group_id)
    const items: (MenuItem | false)[] = [
      { label: t('message.reply'), icon: 'i-lucide-reply', testid: 'menu-reply', act: () => actions.reply(message) },
      { label: t('message.react'), icon: 'i-lucide-smile-plus', testid: 'menu-react', act: react },
      text !== '' && { label: t('message.copy'), icon: 'i-lucide-copy', testid: 'menu-copy', act: () => actions.copy(text) },
      Boolean(group) && !mine && { label: t('message.mention', { name: speaker }), icon: 'i-lucide-at-sign', act: () => actions.mention(message.from) },
      { label: t('message.forward'), icon: 'i-lucide-forward', testid: 'menu-forward', act: () => actions.forward(message) },
      { label: pinned ? t('message.unpin') : t('message.pin'), icon: pinned ? 'i-lucide-pin-off' : 'i-lucide-pin', testid: 'menu-pin', act: () => void attempt(() => im.pin(message, !pinned)) },
      { label: t('select.begin'), icon: 'i-lucide-circle-check', testid: 'menu-select', act: () => actions.select(message) },
      mine && !mergedOf(message) && message.type <= FrameType.group && age < server.editMs && { label: t('message.edit'), icon: 'i-lucide-pencil', testid: 'menu-edit', act: () => actions.edit(message) },
      ((mine && age < server.recallMs) || isAdmin) && { label: t('message.recall'), icon: 'i-lucide-undo-2', danger: true, apart: true, testid: 'menu-recall', act: () => void recall(message) },
      !mine && { label: t('report.begin'), icon: 'i-lucide-flag', danger: true, apart: !isAdmin, testid: 'menu-report', act: () => actions.report(message) },
    ]
    return items.filter(item => item !== false)
  }

  return { menuOf }
}
