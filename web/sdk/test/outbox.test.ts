import { beforeEach, expect, test } from 'vitest'
import { MemoryStore } from '../src/index.ts'
import { FakeServer, seeded } from './fake_server.ts'
import { client, settle } from './setup.ts'

const peer = { user_id: 'user_bbbbbbbbbbbbb', username: 'b', nickname: 'B' }
let server: FakeServer

beforeEach(() => {
  server = new FakeServer(seeded(1))
})

const texts = () => server.conversations.get(server.conversation(peer.user_id))!.map(message => message.content.text)

test('a refused message fails with the reason, and is sent again with the same id', async () => {
  const { im } = client(server)
  await im.start()
  await settle()
  server.refuse = { code: 40303, error: 'blocked' }
  const entry = await im.send(im.withUser(peer), { text: 'hello' })
  await settle()
  expect(im.outgoing(entry.conversation_id)[0]).toMatchObject({ state: 'failed', error: { code: 40303, text: 'blocked' } })
  server.refuse = undefined
  await im.retry(entry.message_id)
  await settle()
  expect(im.outgoing(entry.conversation_id)).toEqual([])
  expect(server.conversations.get(entry.conversation_id)!.map(message => message.message_id)).toEqual([entry.message_id])
  im.stop()
})

test('a busy server is asked again, in order', async () => {
  const { im, alarms } = client(server)
  await im.start()
  await settle()
  server.refuse = { code: 42901, error: 'slow down' }
  const id = im.withUser(peer)
  await im.send(id, { text: 'one' })
  await im.send(id, { text: 'two' })
  await settle()
  expect(texts()).toEqual([])
  server.refuse = undefined
  for (let i = 0; i < 5; i++) {
    alarms.advance(1_000)
    await settle()
  }
  expect(texts()).toEqual(['one', 'two'])
  expect(im.outgoing(id)).toEqual([])
  im.stop()
})

test('what was written without a connection is sent once, in order, also after a restart of the client', async () => {
  server.down = true
  const store = new MemoryStore()
  const first = client(server, store)
  await first.im.start()
  const id = first.im.withUser(peer)
  for (let i = 0; i < 60; i++) await first.im.send(id, { text: `m${i}` })
  first.im.stop()
  server.down = false
  const second = client(server, store)
  await second.im.start()
  expect(second.im.outgoing(id)).toHaveLength(60)
  for (let i = 0; i < 6; i++) {
    await settle()
    second.alarms.advance(1_000)
  }
  await settle()
  expect(texts()).toEqual(Array.from({ length: 60 }, (_, i) => `m${i}`))
  expect(second.im.outgoing(id)).toEqual([])
  second.im.stop()
})

test('a discarded message is never sent', async () => {
  server.down = true
  const { im, alarms } = client(server)
  await im.start()
  const entry = await im.send(im.withUser(peer), { text: 'oops' })
  await im.discard(entry.message_id)
  server.down = false
  alarms.advance(40_000)
  await settle()
  expect(im.connection.state).toBe('online')
  expect(texts()).toEqual([])
  im.stop()
})

test('what no frame can carry is refused here, and what is behind it is sent', async () => {
  const { im } = client(server)
  await im.start()
  await settle()
  const id = im.withUser(peer)
  await im.send(id, { text: 'x'.repeat(2_000_000) })
  await im.send(id, { text: 'behind it' })
  await settle()
  expect(im.outgoing(id).map(entry => [entry.state, entry.error?.code])).toEqual([['failed', 41301]])
  expect(texts()).toEqual(['behind it'])
  im.stop()
})

test('a merged forward is sent without what the server has itself', async () => {
  const { im } = client(server)
  await im.start()
  await settle()
  const id = im.withUser(peer)
  const messages = Array.from({ length: 70 }).fill({ from: 'a', name: 'A', type: 1, timestamp: 1, content: { text: 'x'.repeat(20_000) } })
  await im.send(id, { text: 'many', merged: { message_ids: ['m1', 'm2'], messages } })
  await settle()
  const sent = server.frames.filter(frame => frame.type === 1)
  expect(sent.map(frame => frame.content)).toEqual([{ merged: { message_ids: ['m1', 'm2'] } }])
  im.stop()
})
