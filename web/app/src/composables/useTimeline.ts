import type { Message, Outgoing } from '@simpleim/sdk'
import { isOperation } from '@simpleim/sdk'
import { computed, onScopeDispose, shallowRef } from 'vue'
import { im } from '../im'
import { withPending } from './usePendingOperations'

/** The SDK's timeline of a conversation, as Vue sees it, with what is on its way at its end. */
export function useTimeline(conversationId: string) {
  const stored = shallowRef<Message[]>([])
  const queue = shallowRef<Outgoing[]>(im.outgoing(conversationId))
  const messages = computed(() => withPending(stored.value, queue.value, im.session?.user_id ?? ''))
  const pending = computed(() => queue.value.filter(entry => !isOperation(entry.type)))
  const hasOlder = shallowRef(true)
  const hasNewer = shallowRef(false)
  const opened = shallowRef(false)
  const failed = shallowRef(false)

  const timeline = im.timeline(conversationId, () => {
    stored.value = timeline.messages
    hasOlder.value = timeline.hasOlder
    hasNewer.value = timeline.hasNewer
    opened.value = timeline.opened
  })
  const refreshPending = (event: { conversation_id: string }) => {
    if (event.conversation_id === conversationId)
      queue.value = im.outgoing(conversationId)
  }
  const ends = [im.on('outgoing', refreshPending), im.on('settled', refreshPending)]
  onScopeDispose(() => {
    ends.forEach(end => end())
    im.closeTimeline(timeline)
  })

  /** Reads; what fails is shown, and tried again when the connection is back. */
  async function read(work: () => Promise<void>): Promise<void> {
    try {
      await work()
      failed.value = false
    }
    catch {
      failed.value = true
    }
  }

  const open = (seq?: number) => read(() => timeline.open(seq))
  const loadOlder = () => read(() => timeline.loadOlder())
  const loadNewer = () => read(() => timeline.loadNewer())

  return { messages, pending, hasOlder, hasNewer, opened, failed, open, loadOlder, loadNewer }
}
