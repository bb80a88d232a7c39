import type { Group, Member, MemberChange } from '@simpleim/sdk'
import type { MenuItem } from '../components/ui/AppMenu.vue'
import { useI18n } from 'vue-i18n'
import { im } from '../im'
import { useMembers } from '../stores/members'
import { useConfirm } from './useConfirm'
import { useErrors } from './useErrors'

const HOUR_MS = 3_600_000
const RANK = { member: 0, admin: 1, owner: 2 }

/** What my role lets me do with another member. */
export function useMemberActions(group: () => Group) {
  const { t } = useI18n()
  const { ask } = useConfirm()
  const { attempt } = useErrors()
  const members = useMembers()

  async function act(work: () => Promise<unknown>): Promise<void> {
    await attempt(work)
    await members.load(group().group_id).catch(() => {}) // the event brings the change, too
  }

  const change = (member: Member, body: MemberChange) => act(() => im.call(api => api.PATCH('/api/groups/{id}/members/{uid}', {
    params: { path: { id: group().group_id, uid: member.user_id } },
    body,
  })))

  async function kick(member: Member): Promise<void> {
    if (!await ask({ title: t('group.kick'), text: t('group.confirmKick', { name: member.nickname }), act: t('group.kick') }))
      return
    await act(() => im.call(api => api.DELETE('/api/groups/{id}/members/{uid}', { params: { path: { id: group().group_id, uid: member.user_id } } })))
  }

  async function transfer(member: Member): Promise<void> {
    if (!await ask({ title: t('group.transfer'), text: t('group.confirmTransfer', { name: member.nickname }), act: t('group.transfer') }))
      return
    await act(() => im.call(api => api.POST('/api/groups/{id}/transfer', { params: { path: { id: group().group_id } }, body: { user_id: member.user_id } })))
  }

  function itemsFor(member: Member): MenuItem[] {
    const mine = group().role ?? 'member'
    if (RANK[mine] <= RANK[member.role])
      return []
    const muted = member.muted_until > Date.now()
    const mute = (ms: number) => () => void change(member, { muted_until: ms > 0 ? Date.now() + ms : 0 })
    return [
      ...(mine === 'owner'
        ? [
            member.role === 'admin'
              ? { label: t('group.makeMember'), icon: 'i-lucide-user', act: () => void change(member, { role: 'member' as const }) }
              : { label: t('group.makeAdmin'), icon: 'i-lucide-shield', testid: 'member-admin', act: () => void change(member, { role: 'admin' as const }) },
            { label: t('group.transfer'), icon: 'i-lucide-crown', testid: 'member-transfer', act: () => void transfer(member) },
          ]
        : []),
      ...(muted
        ? [{ label: t('group.unmute'), icon: 'i-lucide-mic', testid: 'member-unmute', act: mute(0) }]
        : [
            { label: t('group.muteHour'), icon: 'i-lucide-mic-off', testid: 'member-mute', act: mute(HOUR_MS) },
            { label: t('group.muteDay'), icon: 'i-lucide-mic-off', act: mute(24 * HOUR_MS) },
          ]),
      { label: t('group.kick'), icon: 'i-lucide-user-x', apart: true, danger: true, testid: 'member-kick', act: () => void kick(member) },
    ]
  }

  return { itemsFor }
}
