import type { Shown } from './messageText'
import { t } from '../i18n'
import { fileKindOf, isRecalled, textOf } from './messageText'

/** A message in one line. */
export function previewOf(message: Shown): string {
  if (isRecalled(message))
    return t('message.recalled')
  const kind = fileKindOf(message)
  if (!kind)
    return textOf(message) || t('message.unsupported')
  const name = kind === 'file' ? String(message.content.file_name ?? '') : ''
  return `[${t(`message.kinds.${kind}`)}] ${textOf(message) || name}`.trim()
}
