import type { ServerInfo } from '@simpleim/sdk'
import { defineStore } from 'pinia'
import { computed, watch } from 'vue'
import { useKept } from '../composables/useKept'
import { im } from '../im'
import { useChat } from './chat'

type Rules = Pick<ServerInfo, 'name' | 'registration' | 'password_min_length' | 'recall_window_s' | 'edit_window_s'>

/** As the server's own defaults, for the moment before it has ever answered. */
const DEFAULTS: Rules = {
  name: 'SimpleIM',
  registration: 'open',
  password_min_length: 6,
  recall_window_s: 120,
  edit_window_s: 24 * 3600,
}

/** What the server is and allows: asked for at the start and after each reconnection, remembered without one. */
export const useServer = defineStore('server', () => {
  const chat = useChat()
  const rules = useKept<Rules>('simpleim.server', DEFAULTS, { mergeDefaults: true })

  async function load(): Promise<void> {
    try {
      const { name, registration, password_min_length, recall_window_s, edit_window_s } = await im.server()
      rules.value = { name, registration, password_min_length, recall_window_s, edit_window_s }
    }
    catch {} // what it said the last time holds until it answers
  }

  void load()
  watch(() => chat.connection.state, state => state === 'online' && void load())

  /** A window of 0 seconds is one without end. */
  const endsAfterMs = (seconds: number) => seconds > 0 ? seconds * 1000 : Infinity
  return {
    rules: computed(() => rules.value),
    recallMs: computed(() => endsAfterMs(rules.value.recall_window_s)),
    editMs: computed(() => endsAfterMs(rules.value.edit_window_s)),
  }
})
