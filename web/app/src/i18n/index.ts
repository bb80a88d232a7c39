import { createI18n } from 'vue-i18n'
import en from './en'
import zhCN from './zh-CN'

export const LANGUAGES = { 'en': 'English', 'zh-CN': '简体中文' } as const
export type Language = keyof typeof LANGUAGES

export function preferredLanguage(): Language {
  return navigator.languages.some(language => language.toLowerCase().startsWith('zh')) ? 'zh-CN' : 'en'
}

export const i18n = createI18n({
  legacy: false,
  locale: 'en' as Language,
  fallbackLocale: 'en',
  messages: { en, 'zh-CN': zhCN },
})

export function setLanguage(language: Language): void {
  i18n.global.locale.value = language
  document.documentElement.lang = language
}

/** For what is on the screen many times over: cheaper than useI18n() in each. */
export const { t } = i18n.global
