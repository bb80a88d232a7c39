import type { Conversation } from '@simpleim/sdk'
import { useDocumentVisibility, useWindowFocus } from '@vueuse/core'
import { watch } from 'vue'
import { im } from '../im'

/** Marks as read what is on the screen while somebody looks at it. */
export function useReadMarks(row: () => Conversation) {
  const visibility = useDocumentVisibility()
  const focused = useWindowFocus()
  let seenTo = 0

  function report(): void {
    const { conversation_id, read_seq, last_seq } = row()
    const seq = Math.min(seenTo, last_seq)
    if (visibility.value === 'visible' && focused.value && seq > read_seq)
      im.markRead(conversation_id, seq)
  }

  watch([visibility, focused], report)

  return {
    onSeen(seq: number) {
      seenTo = Math.max(seenTo, seq)
      report()
    },
  }
}
