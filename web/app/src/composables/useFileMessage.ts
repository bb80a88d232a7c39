import type { FileContent, Message, Outgoing } from '@simpleim/sdk'
import { computed } from 'vue'
import { useTransfers } from '../stores/transfers'
import { useFileLink } from './useFileLink'

/** A message that carries a file: what it says of it, links, and how far its upload is. */
export function useFileMessage(message: () => Message | Outgoing) {
  const transfers = useTransfers()
  const content = computed(() => message().content as Partial<FileContent>)
  const blob = computed(() => {
    const shown = message()
    return 'file' in shown ? shown.file?.blob : undefined
  })
  const uploading = computed(() => {
    const shown = message()
    return 'state' in shown && shown.state === 'uploading'
  })
  const progress = computed(() => transfers.progress.get(message().message_id) ?? 0)
  return { content, blob, uploading, progress, ...useFileLink(() => content.value, () => blob.value) }
}
