import type { Presence, UserName } from '@simpleim/sdk'
import { defineStore } from 'pinia'
import { shallowReactive } from 'vue'
import { im } from '../im'

/** Names and presence, as far as they are known. */
export const usePeople = defineStore('people', () => {
  const names = shallowReactive(new Map<string, UserName>())
  const presences = shallowReactive(new Map<string, Presence>())
  im.on('user', user => names.set(user.user_id, user))
  im.on('presence', presence => presences.set(presence.user_id, presence))

  /** Empty until it is known. */
  function nameOf(userId: string): string {
    return (names.get(userId) ?? im.user(userId))?.nickname ?? ''
  }

  function isOnline(userId: string): boolean {
    return (presences.get(userId) ?? im.presence(userId))?.online ?? false
  }

  function lastSeen(userId: string): number {
    return (presences.get(userId) ?? im.presence(userId))?.last_seen ?? 0
  }

  return { nameOf, isOnline, lastSeen }
})
