import type { GroupEventContent, Message } from '@simpleim/sdk'
import { useI18n } from 'vue-i18n'
import { useAuth } from '../stores/auth'
import { formatDuration } from './formatBytes'
import { useConversationNames } from './useConversationNames'

const MAX_NAMES = 3

/** An event (type 3) of a group or a call as a sentence. */
export function useEventText() {
  const { t, te, locale } = useI18n()
  const auth = useAuth()
  const { speakerOf } = useConversationNames()

  function eventText(message: Message): string {
    const content = message.content as unknown as GroupEventContent
    if (content.event === 'call') {
      const key = `event.call_${content.kind}.${content.status}`
      return t(te(key, 'en') ? key : 'event.other', { time: formatDuration(Number(content.duration ?? 0)) })
    }
    const group = message.group_id
    const name = (id: string) => (id === auth.me ? t('common.you') : speakerOf(id, group))
    const who = name(content.operator_id ?? message.from)
    const targets = (content.target_ids ?? []).filter(id => content.event !== 'created' || id !== content.operator_id)
    const names = targets.slice(0, MAX_NAMES).map(name)
    const list = new Intl.ListFormat(locale.value, { type: 'conjunction' }).format(names)
    const whom = targets.length > MAX_NAMES ? t('event.and', { list: names.join(', '), n: targets.length - MAX_NAMES }) : list
    return t(keyOf(content, whom), { who, whom, name: String(content.name ?? '') })
  }

  function keyOf(content: GroupEventContent, whom: string): string {
    if (content.event === 'created')
      return whom ? 'event.createdWith' : 'event.created'
    if (content.event === 'role' && (content.role === 'admin' || content.role === 'member'))
      return content.role === 'admin' ? 'event.roleAdmin' : 'event.roleMember'
    if (content.event === 'muted')
      return Number(content.muted_until ?? 0) > 0 ? 'event.muted' : 'event.unmuted'
    const key = `event.${content.event}`
    return te(key, 'en') ? key : 'event.other'
  }

  return { eventText }
}
