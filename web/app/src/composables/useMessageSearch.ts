import type { Message } from '@simpleim/sdk'
import { watchDebounced } from '@vueuse/core'
import { computed, reactive, ref, shallowRef } from 'vue'
import { im } from '../im'

export interface SearchHit { message: Message, field: 'text' | 'file_name', highlights: number[][] }
/** A piece of a hit's text. */
export interface SnippetPart { text: string, hit: boolean }

const PAUSE_MS = 200
const DAY_MS = 86_400_000
const BEFORE_HIT = 24
const SNIPPET = 120

/** Looks for messages while somebody types. */
export function useMessageSearch(conversationId: () => string | undefined) {
  const query = ref('')
  const filters = reactive({ type: '', from: '', after: '', before: '' })
  const hits = shallowRef<SearchHit[]>([])
  const cursor = ref('')
  const busy = ref(false)
  const failed = ref(false)
  const asked = ref('')
  let generation = 0

  const wanted = computed(() => JSON.stringify([query.value.trim(), filters, conversationId()]))

  async function fetch(from: string): Promise<void> {
    const mine = ++generation
    const q = query.value.trim()
    if (!q) {
      hits.value = []
      cursor.value = asked.value = ''
      busy.value = false
      return
    }
    busy.value = true
    const id = conversationId()
    const { type, from: sender, after, before } = filters
    try {
      const page = await im.call(api => api.GET('/api/search/messages', { params: { query: {
        q,
        limit: 20,
        ...(id ? { conversation_id: id } : {}),
        ...(type ? { type: Number(type) } : {}),
        ...(sender ? { from: sender } : {}),
        ...(after ? { after: new Date(`${after}T00:00`).getTime() } : {}),
        ...(before ? { before: new Date(`${before}T00:00`).getTime() + DAY_MS } : {}),
        ...(from ? { cursor: from } : {}),
      } } }))
      if (mine !== generation)
        return
      hits.value = from ? [...hits.value, ...page.hits] : page.hits
      cursor.value = page.next_cursor
      failed.value = false
      asked.value = q
    }
    catch {
      if (mine === generation)
        failed.value = true
    }
    finally {
      if (mine === generation)
        busy.value = false
    }
  }

  watchDebounced(wanted, () => fetch(''), { debounce: PAUSE_MS })
  const more = () => fetch(cursor.value)

  return { query, filters, hits, cursor, busy, failed, asked, more, again: () => fetch('') }
}

/** What is around the first hit, in pieces. */
export function snippetOf({ message, field, highlights }: SearchHit): SnippetPart[] {
  const characters = Array.from(String(message.content[field] ?? ''))
  const begin = Math.max(0, (highlights[0]?.[0] ?? 0) - BEFORE_HIT)
  const end = Math.min(characters.length, begin + SNIPPET)
  const piece = (from: number, to: number) => characters.slice(from, to).join('').replaceAll(/\s+/g, ' ')
  const parts: SnippetPart[] = begin > 0 ? [{ text: '…', hit: false }] : []
  let at = begin
  for (const [from = 0, to = 0] of highlights) {
    if (from < at || from >= end)
      continue
    parts.push({ text: piece(at, from), hit: false }, { text: piece(from, Math.min(to, end)), hit: true })
    at = Math.min(to, end)
  }
  parts.push({ text: piece(at, end), hit: false })
  if (end < characters.length)
    parts.push({ text: '…', hit: false })
  return parts.filter(part => part.text)
}
