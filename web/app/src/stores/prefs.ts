import type { Language } from '../i18n'
import { usePreferredDark } from '@vueuse/core'
import { defineStore } from 'pinia'
import { computed, watchEffect } from 'vue'
import { useKept } from '../composables/useKept'
import { preferredLanguage, setLanguage } from '../i18n'

export type Theme = 'system' | 'light' | 'dark'

/** Choices of this device. */
export const usePrefs = defineStore('prefs', () => {
  const theme = useKept<Theme>('simpleim.theme', 'system')
  const language = useKept<Language>('simpleim.language', preferredLanguage())
  const sound = useKept('simpleim.sound', true)
  const notifications = useKept('simpleim.notifications', false)
  const notificationsAsked = useKept('simpleim.notifications-asked', false)
  const preview = useKept('simpleim.preview', true)
  const quiet = useKept('simpleim.quiet', false)
  const quietFrom = useKept('simpleim.quiet-from', '22:00')
  const quietTo = useKept('simpleim.quiet-to', '07:00')
  const detailsOpen = useKept('simpleim.details', false)
  /** Calls go through the server's relay, so that the other one does not see this device's address. */
  const relayCalls = useKept('simpleim.relay-calls', false)
  const recentEmoji = useKept<string[]>('simpleim.emoji', [])

  const systemDark = usePreferredDark()
  const isDark = computed(() => theme.value === 'dark' || (theme.value === 'system' && systemDark.value))
  watchEffect(() => { document.documentElement.dataset.theme = isDark.value ? 'dark' : 'light' })
  watchEffect(() => setLanguage(language.value))

  /** Whether `now` lies in the quiet hours; they may pass midnight. */
  function isQuiet(now: Date): boolean {
    if (!quiet.value)
      return false
    const time = `${String(now.getHours()).padStart(2, '0')}:${String(now.getMinutes()).padStart(2, '0')}`
    return quietFrom.value <= quietTo.value
      ? time >= quietFrom.value && time < quietTo.value
      : time >= quietFrom.value || time < quietTo.value
  }

  return { theme, language, sound, notifications, notificationsAsked, preview, quiet, quietFrom, quietTo, detailsOpen, relayCalls, recentEmoji, isDark, isQuiet }
})
