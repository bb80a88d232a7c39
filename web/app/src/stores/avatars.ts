import type { Conversation } from '@simpleim/sdk'
import { defineStore } from 'pinia'
import { shallowReactive } from 'vue'
import { im } from '../im'

/** Pictures of people (by user id) and groups (by conversation id), and links that show them. */
export const useAvatars = defineStore('avatars', () => {
  const files = shallowReactive(new Map<string, string>())
  const links = shallowReactive(new Map<string, string>())

  function learn(id: string, fileId: string | undefined): void {
    if (fileId === undefined || (files.get(id) ?? '') === fileId)
      return
    files.set(id, fileId)
    links.delete(id)
    if (fileId)
      void load(id, fileId)
  }

  async function load(id: string, fileId: string): Promise<void> {
    try {
      const file = await im.file(fileId)
      if (files.get(id) === fileId && file?.thumbnail_url)
        links.set(id, file.thumbnail_url)
    }
    catch {
      files.delete(id) // asked for again when it is heard of again
    }
  }

  function learnRow(row: Conversation): void {
    learn(row.conversation_id, row.group?.avatar_file_id)
    if (row.peer && 'avatar_file_id' in row.peer)
      learn(row.peer.user_id, String(row.peer.avatar_file_id))
  }

  im.on('conversation', learnRow)
  /** A link lives for minutes; a picture that did not come is asked for anew, once. */
  function failed(id: string): void {
    links.delete(id)
  }

  return { learn, learnRow, failed, linkOf: (id: string) => links.get(id) }
})
