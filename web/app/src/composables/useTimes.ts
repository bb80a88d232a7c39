import { createSharedComposable, useNow } from '@vueuse/core'
import { computed } from 'vue'
import { i18n, t } from '../i18n'

const DAY_MS = 86_400_000

function dayOf(time: number): number {
  return new Date(time).setHours(0, 0, 0, 0)
}

/** Times as people say them, in the chosen language. Shared: making formats is slow, and every message shows a time. */
export const useTimes = createSharedComposable(() => {
  const now = useNow({ interval: 30_000 })
  const formats = computed(() => {
    const locale = i18n.global.locale.value
    return {
      time: new Intl.DateTimeFormat(locale, { hour: '2-digit', minute: '2-digit' }),
      weekday: new Intl.DateTimeFormat(locale, { weekday: 'short' }),
      day: new Intl.DateTimeFormat(locale, { month: 'short', day: 'numeric' }),
      date: new Intl.DateTimeFormat(locale, { year: 'numeric', month: 'short', day: 'numeric' }),
      long: new Intl.DateTimeFormat(locale, { weekday: 'long', month: 'long', day: 'numeric' }),
      full: new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'short' }),
      relative: new Intl.RelativeTimeFormat(locale, { numeric: 'auto' }),
    }
  })
  const daysAgo = (ms: number) => Math.round((dayOf(now.value.getTime()) - dayOf(ms)) / DAY_MS)

  const time = (ms: number) => formats.value.time.format(ms)
  const full = (ms: number) => formats.value.full.format(ms)

  /** For lists: the time today, then yesterday, the weekday, the day. */
  function brief(ms: number): string {
    const days = daysAgo(ms)
    if (days <= 0)
      return time(ms)
    if (days === 1)
      return t('chat.yesterday')
    if (days < 7)
      return formats.value.weekday.format(ms)
    return days < 300 ? formats.value.day.format(ms) : formats.value.date.format(ms)
  }

  /** For the line between two days. */
  function day(ms: number): string {
    const days = daysAgo(ms)
    if (days <= 0)
      return t('chat.today')
    if (days === 1)
      return t('chat.yesterday')
    return days < 300 ? formats.value.long.format(ms) : formats.value.date.format(ms)
  }

  /** "5 minutes ago". */
  function ago(ms: number): string {
    const seconds = Math.round((ms - now.value.getTime()) / 1000)
    const steps: [Intl.RelativeTimeFormatUnit, number][] = [['day', 86_400], ['hour', 3_600], ['minute', 60]]
    for (const [unit, size] of steps) {
      if (Math.abs(seconds) >= size)
        return formats.value.relative.format(Math.round(seconds / size), unit)
    }
    return t('chat.justNow')
  }

  return { time, full, brief, day, ago, dayOf }
})
