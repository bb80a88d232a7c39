import type { LocalStore } from '../src/index.ts'
import type { Message } from '../src/model.ts'
import { describe, expect, test } from 'vitest'
import { emptyRow } from '../src/engine.ts'
import { MemoryStore } from '../src/index.ts'
import { addRange, rangeAt } from '../src/seq_ranges.ts'
import { IndexedDbStore } from '../src/store/indexeddb_store.ts'
import { seeded } from './fake_server.ts'

let databases = 0
const backends: [string, () => Promise<LocalStore>][] = [
  ['memory', async () => new MemoryStore()],
  ['IndexedDB', async () => {
    const store = new IndexedDbStore(`user_${++databases}`)
    await store.open()
    return store
  }],
]

function message(seq: number, from = 'them', type = 1): Message {
  return { message_id: `m${seq}`, type, from, conversation_id: 'c', seq, timestamp: seq, content: { text: `${seq}` } }
}

describe.each(backends)('the %s store', (_, open) => {
  test('gives messages by range, from either end', async () => {
    const store = await open()
    await store.apply({ messages: [5, 3, 1, 2, 4].map(seq => message(seq)), covered: [{ conversation_id: 'c', from: 1, to: 5 }] })
    expect((await store.messages('c', 2, 5, 2, false)).map(m => m.seq)).toEqual([2, 3])
    expect((await store.messages('c', 2, 5, 2, true)).map(m => m.seq)).toEqual([4, 5])
    expect(await store.messages('other', 1, 9, 9, true)).toEqual([])
    expect(await store.covered('c')).toEqual([[1, 5]])
  })

  test('counts what others wrote, without events', async () => {
    const store = await open()
    await store.apply({ messages: [message(1), message(2, 'me'), message(3, 'them', 3), message(4), message(5)] })
    expect(await store.countUnread('c', 'me', 1)).toBe(2)
  })

  test('keeps the queue in order and forgets what is settled', async () => {
    const store = await open()
    const entry = (id: string, order: number) => ({ message_id: id, conversation_id: 'c', type: 1, to: 'u', content: { text: id }, order, created_at: 0, state: 'queued' as const })
    await store.apply({ outgoing: [entry('b', 2), entry('a', 1), entry('c', 3)] })
    await store.apply({ settled: ['b'] })
    expect((await store.outgoing()).map(e => e.message_id)).toEqual(['a', 'c'])
  })

  test('removes a conversation with all that belongs to it', async () => {
    const store = await open()
    await store.apply({ conversations: [emptyRow('c'), emptyRow('d')], messages: [message(1)], covered: [{ conversation_id: 'c', from: 1, to: 1 }] })
    await store.apply({ removed: ['c'] })
    expect((await store.conversations()).map(row => row.conversation_id)).toEqual(['d'])
    expect(await store.messages('c', 1, 9, 9, true)).toEqual([])
    expect(await store.covered('c')).toEqual([])
  })
})

test('ranges are those of a set, however they were added', () => {
  const random = seeded(3)
  for (let round = 0; round < 300; round++) {
    const truth = new Set<number>()
    let ranges: [number, number][] = []
    for (let i = 0; i < 12; i++) {
      const from = 1 + Math.floor(random() * 30)
      const to = from + Math.floor(random() * 6) - 1
      for (let seq = from; seq <= to; seq++) truth.add(seq)
      ranges = addRange(ranges, from, to)
    }
    for (let seq = 1; seq <= 40; seq++) expect(rangeAt(ranges, seq) !== undefined).toBe(truth.has(seq))
    for (let i = 1; i < ranges.length; i++) expect(ranges[i]![0]).toBeGreaterThan(ranges[i - 1]![1] + 1)
  }
})
