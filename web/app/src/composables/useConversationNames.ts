import type { Conversation } from '@simpleim/sdk'
import { useMembers } from '../stores/members'
import { usePeople } from '../stores/people'

/** What a conversation, and who speaks in it, is called. */
export function useConversationNames() {
  const people = usePeople()
  const members = useMembers()

  function titleOf(row: Conversation): string {
    return row.group?.name ?? (row.peer ? people.nameOf(row.peer.user_id) || row.peer.nickname : '')
  }

  function speakerOf(userId: string, groupId?: string): string {
    return (groupId && members.find(groupId, userId)?.nickname) || people.nameOf(userId) || '…'
  }

  return { titleOf, speakerOf }
}
