import type { ConnectionStatus, Conversation, Outgoing } from '@simpleim/sdk'
import { defineStore } from 'pinia'
import { computed, shallowReactive, shallowRef } from 'vue'
import { im } from '../im'
import { useAvatars } from './avatars'

/** A conversation that was just begun stands first until something is said. */
function activity(row: Conversation): number {
  return row.last_message?.timestamp ?? row.group?.created_at ?? Number.MAX_SAFE_INTEGER
}

/** The conversation list and the queue of what is on its way: the SDK's state as Vue sees it. */
export const useChat = defineStore('chat', () => {
  const avatars = useAvatars()
  const rows = shallowReactive(new Map<string, Conversation>())
  const outgoing = shallowReactive(new Map<string, Outgoing>())
  const connection = shallowRef<ConnectionStatus>(im.connection)
  const synced = shallowRef(false)
  /** The conversation on the screen. */
  const current = shallowRef<string>()

  im.on('conversation', row => rows.set(row.conversation_id, row))
  im.on('removed', ({ conversation_id }) => rows.delete(conversation_id))
  im.on('outgoing', entry => outgoing.set(entry.message_id, entry))
  im.on('settled', ({ message_id }) => outgoing.delete(message_id))
  im.on('connection', status => (connection.value = status))
  im.on('synced', () => (synced.value = true))

  /** Reads what the device kept; once after every sign-in. */
  function fill(): void {
    rows.clear()
    outgoing.clear()
    for (const row of im.conversations()) {
      rows.set(row.conversation_id, row)
      avatars.learnRow(row)
      for (const entry of im.outgoing(row.conversation_id)) outgoing.set(entry.message_id, entry)
    }
    connection.value = im.connection
  }

  function clear(): void {
    rows.clear()
    outgoing.clear()
    synced.value = false
    current.value = undefined
  }

  /** Pinned first, then by last activity. */
  const sorted = computed(() => [...rows.values()]
    .filter(row => row.last_message || row.draft || row.type === 'group' || row.conversation_id === current.value)
    .sort((a, b) => Number(b.pinned) - Number(a.pinned) || activity(b) - activity(a)))
  const listed = computed(() => sorted.value.filter(row => !row.archived))
  const archived = computed(() => sorted.value.filter(row => row.archived))
  const unread = computed(() => listed.value.reduce((sum, row) => sum + (row.muted ? 0 : row.unread), 0))

  return { rows, outgoing, connection, synced, current, listed, archived, unread, fill, clear }
})
