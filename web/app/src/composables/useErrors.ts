import { SimpleIMError } from '@simpleim/sdk'
import { useI18n } from 'vue-i18n'
import { useToasts } from '../stores/toasts'

/** Errors in the reader's words. */
export function useErrors() {
  const { t, te } = useI18n()
  const toasts = useToasts()

  function say(error: unknown): string {
    if (!(error instanceof SimpleIMError))
      return t('errors.other', { text: String(error) })
    const key = `errors.${error.code}`
    return te(key, 'en') ? t(key, { text: error.message }) : t('errors.other', { text: error.message })
  }

  /** Runs what the user asked for; what goes wrong is told. False when it did. */
  async function attempt(work: () => Promise<unknown>): Promise<boolean> {
    try {
      await work()
      return true
    }
    catch (error) {
      toasts.show(say(error), 'danger')
      return false
    }
  }

  return { say, attempt }
}
