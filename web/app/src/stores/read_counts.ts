import { defineStore } from 'pinia'
import { onScopeDispose, shallowReactive } from 'vue'
import { im } from '../im'

interface Count { read: number, unread: number }

/** Readers come in quickly at first, later rarely; the counts on the screen are asked for in this rhythm. */
const RHYTHM_MS = [0, 2_000, 5_000, 10_000, 20_000]

/** How many have read my messages in a group: asked for what is on the screen, in one request a conversation. */
export const useReadCounts = defineStore('read_counts', () => {
  const counts = shallowReactive(new Map<string, Count>())
  const shown = new Map<string, Map<symbol, () => number>>()
  const timers = new Map<string, ReturnType<typeof setTimeout>>()
  const key = (id: string, seq: number) => `${id} ${seq}`

  async function ask(id: string): Promise<boolean> {
    const seqs = [...new Set(Array.from(shown.get(id)?.values() ?? [], seq => seq()))]
      .filter(seq => counts.get(key(id, seq))?.unread !== 0)
      .slice(-50)
    if (seqs.length === 0 || document.visibilityState !== 'visible')
      return false
    const data = await im.call(api => api.GET('/api/conversations/{id}/receipts', { params: { path: { id }, query: { seq: seqs.join(',') } } }))
    for (const { seq, read_count, unread_count } of data.receipts) counts.set(key(id, seq), { read: read_count, unread: unread_count })
    return true
  }

  /** Asks now and then again, until nothing on the screen is unread. */
  function refresh(id: string, step = 0): void {
    clearTimeout(timers.get(id))
    const wait = RHYTHM_MS[Math.min(step, RHYTHM_MS.length - 1)]!
    timers.set(id, setTimeout(() => {
      ask(id).then(more => more && refresh(id, step + 1), () => refresh(id, RHYTHM_MS.length))
    }, wait || 50))
  }

  /** While the caller lives, the count at `seq` is kept fresh. */
  function follow(id: () => string, seq: () => number): void {
    const conversation = id()
    const me = Symbol('row')
    const rows = shown.get(conversation) ?? new Map<symbol, () => number>()
    shown.set(conversation, rows)
    rows.set(me, seq)
    refresh(conversation)
    onScopeDispose(() => {
      rows.delete(me)
      if (rows.size === 0)
        clearTimeout(timers.get(conversation))
    })
  }

  // Whoever answers has read: a good moment to look.
  im.on('messages', ({ conversation_id }) => {
    if (shown.get(conversation_id)?.size)
      refresh(conversation_id)
  })

  return { at: (id: string, seq: number) => counts.get(key(id, seq)), follow }
})
