import type { AuthSession } from '@simpleim/sdk'
import { defineStore } from 'pinia'
import { computed, shallowRef } from 'vue'
import { im } from '../im'

/** Who is signed in, and the way in and out. */
export const useAuth = defineStore('auth', () => {
  const session = shallowRef<AuthSession | undefined>(im.session)
  const signedIn = computed(() => session.value !== undefined)
  const me = computed(() => session.value?.user_id ?? '')
  let opening: Promise<void> | undefined

  /** What this device kept is there after this. */
  async function open(): Promise<void> {
    opening ??= im.start()
    await opening
  }

  async function login(credentials: { username: string, password: string }): Promise<void> {
    await im.login(credentials)
    session.value = im.session
    opening = undefined
  }

  async function register(user: { username: string, password: string, nickname?: string }): Promise<void> {
    await im.register(user)
    await login(user)
  }

  async function logout(): Promise<void> {
    await im.logout()
  }

  /** The session ended, here or from elsewhere. */
  function forget(): void {
    session.value = undefined
    opening = undefined
  }

  return { session, signedIn, me, open, login, register, logout, forget }
})
