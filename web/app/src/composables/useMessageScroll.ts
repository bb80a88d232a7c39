import type { Ref, ShallowRef } from 'vue'
import type { Item } from '../components/message/items'
import type { useTimeline } from './useTimeline'
import { nextTick, onBeforeUnmount, onMounted, ref, watch } from 'vue'
import { usePositions } from '../stores/positions'

/** Nearer to an end than this: load more there; stick to the bottom. */
const NEAR_PX = 900
const BOTTOM_PX = 40

/** The parts of virtua's list that are used. */
interface ListHandle {
  scrollOffset: number
  scrollSize: number
  viewportSize: number
  findItemIndex: (offset: number) => number
  getItemOffset: (index: number) => number
  scrollToIndex: (index: number, options?: { align?: 'start' | 'end', offset?: number }) => void
}

export interface MessageScrollOptions {
  id: string
  list: Readonly<Ref<ListHandle | undefined>> | Readonly<ShallowRef<ListHandle | undefined>>
  items: Readonly<Ref<Item[]>>
  timeline: ReturnType<typeof useTimeline>
  /** The line "new messages" stands behind this seq; 0: there is none, below 0: before everything. */
  unreadAfter: Readonly<Ref<number>>
  /** The last seq on the screen; `all` when that is the end of the conversation. */
  onSeen: (seq: number, all: boolean) => void
}

export function seqOf(item: Item | undefined): number {
  return item?.kind === 'message' ? item.seq : item?.kind === 'event' ? item.message.seq : 0
}

/** Where the list of messages stands: where it opens, what it loads, when it follows what is new, where it was left. */
export function useMessageScroll({ id, list, items, timeline, unreadAfter, onSeen }: MessageScrollOptions) {
  const positions = usePositions()
  const ready = ref(false)
  const atBottom = ref(true)
  const prepending = ref(false)

  function toEnd(): void {
    if (items.value.length > 0)
      list.value?.scrollToIndex(items.value.length - 1, { align: 'end' })
  }

  /** Where he left it in the middle, else at the first unread message, else at the end. */
  async function show(): Promise<void> {
    const kept = positions.of(id)
    await timeline.open(kept?.seq ?? (unreadAfter.value === 0 ? undefined : Math.max(unreadAfter.value, 0) + 1))
    await nextTick()
    const line = kept ? -1 : items.value.findIndex(item => item.kind === 'unread')
    if (line >= 0)
      list.value?.scrollToIndex(line, { align: 'start', offset: -12 })
    else if (kept)
      list.value?.scrollToIndex(Math.max(0, items.value.findIndex(item => seqOf(item) >= kept.seq)), { align: 'start', offset: kept.offset })
    else
      toEnd()
    // The first measurements move things; they are done before the list is seen.
    requestAnimationFrame(() => requestAnimationFrame(() => {
      if (line < 0 && !kept)
        toEnd()
      ready.value = true
      onScroll()
    }))
  }

  async function toLatest(): Promise<void> {
    if (timeline.hasNewer.value) {
      await timeline.open()
      await nextTick()
    }
    atBottom.value = true
    toEnd()
  }

  /** Brings a message to the middle of the screen, wherever it is. */
  async function toSeq(seq: number): Promise<void> {
    const index = () => items.value.findIndex(item => seqOf(item) >= seq)
    if (seqOf(items.value[index()]) !== seq) {
      await timeline.open(seq)
      await nextTick()
    }
    const handle = list.value
    if (!handle || index() < 0)
      return
    atBottom.value = false
    // Twice: the first brings rows there that have to be measured.
    handle.scrollToIndex(index(), { align: 'start', offset: -handle.viewportSize / 3 })
    await new Promise(resolve => requestAnimationFrame(resolve))
    handle.scrollToIndex(index(), { align: 'start', offset: -handle.viewportSize / 3 })
  }

  async function older(): Promise<void> {
    if (!timeline.hasOlder.value || prepending.value)
      return
    prepending.value = true
    await timeline.loadOlder()
    await nextTick()
    prepending.value = false
  }

  function onScroll(): void {
    const handle = list.value
    if (!handle || !ready.value)
      return
    const fromEnd = handle.scrollSize - handle.scrollOffset - handle.viewportSize
    atBottom.value = fromEnd < BOTTOM_PX
    if (handle.scrollOffset < NEAR_PX)
      void older()
    if (fromEnd < NEAR_PX && timeline.hasNewer.value)
      void timeline.loadNewer()
    seen()
  }

  function seen(): void {
    const handle = list.value
    if (!handle || !ready.value)
      return
    const end = items.value.length - 1
    const index = atBottom.value ? end : Math.min(end, handle.findItemIndex(handle.scrollOffset + handle.viewportSize - 24))
    for (let i = index; i >= 0; i--) {
      const seq = seqOf(items.value[i])
      if (seq > 0)
        return onSeen(seq, atBottom.value && !timeline.hasNewer.value)
    }
  }

  watch(items, async () => {
    if (!ready.value)
      return
    const stick = atBottom.value && !prepending.value
    await nextTick()
    if (stick)
      toEnd()
    seen()
  }, { flush: 'pre' })
  onMounted(show)
  onBeforeUnmount(() => {
    const handle = list.value
    if (!handle || !ready.value)
      return
    if (atBottom.value && !timeline.hasNewer.value)
      return positions.forget(id)
    const item = items.value.slice(handle.findItemIndex(handle.scrollOffset)).find(candidate => seqOf(candidate) > 0)
    if (item)
      positions.keep(id, { seq: seqOf(item), offset: handle.scrollOffset - handle.getItemOffset(items.value.indexOf(item)) })
  })

  return { ready, atBottom, prepending, show, toLatest, toSeq, onScroll }
}
