import { beforeEach, expect, test } from 'vitest'
import { MemoryStore } from '../src/index.ts'
import { FakeServer, seeded } from './fake_server.ts'
import { client, settle } from './setup.ts'

const peer = 'user_bbbbbbbbbbbbb'
let server: FakeServer
let id: string

beforeEach(() => {
  server = new FakeServer(seeded(1))
  id = server.conversation(peer)
})

const seqs = (messages: { seq: number }[]) => messages.map(message => message.seq)

test('after a long absence the newest is there at once, and the rest when somebody scrolls to it', async () => {
  const store = new MemoryStore()
  for (let i = 0; i < 10; i++) server.store(id, peer, `${i}`)
  const before = client(server, store)
  await before.im.start()
  await settle()
  await before.im.timeline(id, () => {}).open()
  before.im.stop()
  for (let i = 0; i < 2_000; i++) server.store(id, peer, `away ${i}`)
  const { im } = client(server, store)
  await im.start()
  await settle()
  expect(im.conversation(id)).toMatchObject({ last_seq: 2_010, unread: 2_010 })
  const timeline = im.timeline(id, () => {})
  await timeline.open()
  expect(timeline.messages.at(-1)?.seq).toBe(2_010)
  while (timeline.hasOlder) await timeline.loadOlder(200)
  expect(seqs(timeline.messages)).toEqual(Array.from({ length: 2_010 }, (_, i) => i + 1))
  im.stop()
})

test('opens around the first unread message and grows to both ends', async () => {
  for (let i = 0; i < 500; i++) server.store(id, peer, `${i}`)
  server.read.set(id, 200)
  const { im } = client(server)
  await im.start()
  await settle()
  const timeline = im.timeline(id, () => {})
  await timeline.open(201)
  expect(timeline.messages[0]!.seq).toBe(171)
  expect(timeline).toMatchObject({ hasOlder: true, hasNewer: true })
  while (timeline.hasNewer) await timeline.loadNewer()
  while (timeline.hasOlder) await timeline.loadOlder()
  expect(seqs(timeline.messages)).toEqual(Array.from({ length: 500 }, (_, i) => i + 1))
  im.stop()
})

test('what is new while the list is elsewhere does not tear it', async () => {
  for (let i = 0; i < 500; i++) server.store(id, peer, `${i}`)
  const { im } = client(server)
  await im.start()
  await settle()
  const timeline = im.timeline(id, () => {})
  await timeline.open(100)
  server.say(id, peer, 'new')
  await settle()
  expect(seqs(timeline.messages)).toEqual(Array.from({ length: timeline.messages.length }, (_, i) => 70 + i))
  await timeline.open()
  expect(timeline.messages.at(-1)?.content.text).toBe('new')
  im.stop()
})

test('a server that went back, as after a restored backup, is believed', async () => {
  const store = new MemoryStore()
  for (let i = 0; i < 10; i++) server.store(id, peer, `${i}`)
  const before = client(server, store)
  await before.im.start()
  await settle()
  before.im.stop()
  server.conversations.get(id)!.length = 4
  const { im } = client(server, store)
  await im.start()
  await settle()
  server.say(id, peer, 'after the restore')
  await settle()
  const timeline = im.timeline(id, () => {})
  await timeline.open()
  expect(timeline.messages.map(message => message.content.text)).toEqual(['0', '1', '2', '3', 'after the restore'])
  im.stop()
})

test('marks move forward only, whatever comes in which order (D11)', async () => {
  server.store(id, server.me, 'mine')
  server.store(id, server.me, 'mine, too')
  const { im } = client(server)
  await im.start()
  await settle()
  const mark = (type: number, seq: number, from = peer) => server.deliver({ type, from, conversation_id: id, content: { conversation_id: id, seq } })
  mark(31, 2)
  mark(37, 1)
  mark(31, 1)
  await settle()
  expect(im.conversation(id)).toMatchObject({ peer_read_seq: 2, peer_delivered_seq: 2 })
  mark(31, 9, server.me)
  mark(31, 1, server.me)
  await settle()
  expect(im.conversation(id)?.read_seq).toBe(2)
  im.stop()
})

test('settings and drafts of another device are taken over, a draft that is being typed is not lost', async () => {
  server.store(id, peer, 'hi')
  const { im } = client(server)
  await im.start()
  await settle()
  const settings = { conversation_id: id, session_id: 'session_other', pinned: true, muted: false, archived: false, draft: 'from the phone' }
  server.deliver({ type: 38, from: server.me, conversation_id: id, content: settings })
  await settle()
  expect(im.conversation(id)).toMatchObject({ pinned: true, draft: 'from the phone' })
  im.setDraft(id, 'typed here')
  server.sync()
  await settle()
  expect(im.conversation(id)?.draft).toBe('typed here')
  im.stop()
})

test('what is typed while other news is being written down is not undone by it', async () => {
  server.store(id, peer, 'hi')
  const { im } = client(server)
  const drafts: string[] = []
  im.on('conversation', row => drafts.push(row.draft))
  await im.start()
  await settle()
  server.say(id, peer, 'news') // its pass takes the row as it is now
  await Promise.resolve()
  im.setDraft(id, 'typed')
  await settle()
  const first = drafts.indexOf('typed')
  expect(first).toBeGreaterThan(-1)
  expect(drafts.slice(first).every(draft => draft === 'typed')).toBe(true)
  im.stop()
})

test('a device that looks for the first time is told what nobody has got yet, and nothing else', async () => {
  for (let i = 0; i < 30; i++) server.store(id, peer, `${i}`)
  server.delivered.set(id, 27)
  server.read.set(id, 10)
  const { im } = client(server)
  const told: number[] = []
  im.on('messages', ({ messages }) => told.push(...seqs(messages)))
  await im.start()
  await settle()
  expect(told).toEqual([28, 29, 30])
  expect(im.conversation(id)).toMatchObject({ last_seq: 30, unread: 20 })
  im.stop()
})

test('a conversation that is opened before its newest page is there opens where it was asked to', async () => {
  for (let i = 0; i < 1_000; i++) server.store(id, peer, `${i}`)
  const { im } = client(server)
  await im.start()
  const opened = new Promise<void>(resolve => im.on('conversation', () => resolve()))
  await opened
  expect(im.conversation(id)?.unread).toBe(1_000)
  const timeline = im.timeline(id, () => {})
  await timeline.open(1)
  await settle()
  expect(seqs(timeline.messages).slice(0, 3)).toEqual([1, 2, 3])
  expect(timeline.hasNewer).toBe(true)
  im.stop()
})
