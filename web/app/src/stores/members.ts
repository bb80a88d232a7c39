import type { Member } from '@simpleim/sdk'
import { defineStore } from 'pinia'
import { shallowReactive } from 'vue'
import { im } from '../im'
import { useAvatars } from './avatars'

/** More members than this are not listed in the client. */
const MAX_LISTED = 2_000

/** Members of the groups that were looked into. */
export const useMembers = defineStore('members', () => {
  const groups = shallowReactive(new Map<string, Map<string, Member>>())
  const avatars = useAvatars()
  const loading = new Map<string, Promise<void>>()

  im.on('group', ({ group_id }) => {
    if (groups.has(group_id))
      void load(group_id).catch(() => {}) // the old list stays until the next change
  })

  async function read(groupId: string): Promise<void> {
    const members = new Map<string, Member>()
    for (let cursor = ''; members.size < MAX_LISTED;) {
      const query = { limit: 500, ...(cursor ? { cursor } : {}) }
      const page = await im.call(api => api.GET('/api/groups/{id}/members', { params: { path: { id: groupId }, query } }))
      for (const member of page.members) {
        members.set(member.user_id, member)
        avatars.learn(member.user_id, member.avatar_file_id)
      }
      cursor = page.next_cursor
      if (!cursor)
        break
    }
    groups.set(groupId, members)
  }

  async function load(groupId: string): Promise<void> {
    const running = loading.get(groupId) ?? read(groupId).finally(() => loading.delete(groupId))
    loading.set(groupId, running)
    await running
  }

  function of(groupId: string): Member[] {
    return [...groups.get(groupId)?.values() ?? []]
  }

  function find(groupId: string, userId: string): Member | undefined {
    return groups.get(groupId)?.get(userId)
  }

  return { load, of, find }
})
