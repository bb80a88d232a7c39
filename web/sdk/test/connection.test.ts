import { beforeEach, describe, expect, test } from 'vitest'
import { backoff } from '../src/backoff.ts'
import { FakeServer, seeded } from './fake_server.ts'
import { client, settle } from './setup.ts'

let server: FakeServer
const peer = 'user_bbbbbbbbbbbbb'

beforeEach(() => {
  server = new FakeServer(seeded(1))
})

test('the back-off grows to 30 s and is spread over the whole of it', () => {
  const waits = Array.from({ length: 200 }, (_, n) => backoff(12, seeded(n)))
  expect(Math.max(...waits)).toBeLessThanOrEqual(30_000)
  expect(Math.max(...waits)).toBeGreaterThan(25_000)
  expect(Math.min(...waits)).toBeLessThan(3_000)
  expect(backoff(0, () => 1)).toBe(500)
})

describe('a connection', () => {
  test('beats every 25 s and takes silence for the end', async () => {
    const { im, alarms } = client(server)
    await im.start()
    await settle()
    alarms.advance(25_000)
    expect(server.frames.filter(frame => frame.type === 99)).toHaveLength(1)
    expect(im.connection.state).toBe('online')
    for (const socket of server.sockets) socket.send = () => {} // the way to the server is dead
    alarms.advance(25_000)
    alarms.advance(10_000)
    expect(im.connection.state).toBe('offline')
    alarms.advance(1_000)
    await settle()
    expect(im.connection.state).toBe('online')
    im.stop()
  })

  test('asks for binary frames where it is told so, and speaks JSON with a server that has none', async () => {
    const offered: string[][] = []
    const openSocket = (_: string, protocols: string[]) => {
      offered.push(protocols)
      return server.open()
    }
    const { im } = client(server, undefined, undefined, { encoding: 'protobuf', openSocket })
    await im.start()
    await expect.poll(() => im.connection.state).toBe('online')
    expect(offered).toEqual([['simpleim.v1.proto', 'simpleim.v1', 'bearer.token']])
    await im.send(im.withUser({ user_id: peer, username: 'p', nickname: 'P' }), { text: 'hello' })
    await settle()
    expect(server.frames.some(frame => frame.content?.text === 'hello')).toBe(true)
    im.stop()
  })

  test('that was replaced stays away until it is asked back', async () => {
    const { im, alarms } = client(server)
    await im.start()
    await settle()
    server.cut(4001)
    alarms.advance(120_000)
    await settle()
    expect(im.connection.state).toBe('replaced')
    expect(server.sockets.size).toBe(0)
    im.reconnect()
    await settle()
    expect(im.connection.state).toBe('online')
    im.stop()
  })

  test('that was revoked ends the session and forgets what the device kept', async () => {
    const id = server.conversation(peer)
    server.store(id, peer, 'secret')
    const { im, alarms, store } = client(server)
    await im.start()
    await settle()
    expect(await store.conversations()).toHaveLength(1)
    server.revoked = true
    server.cut(4002)
    alarms.advance(1_000)
    await settle()
    expect(im.connection.state).toBe('signed_out')
    expect(im.session).toBeUndefined()
    expect(await store.conversations()).toHaveLength(0)
  })

  test('does not loop when the server never shows what it announces (D16)', async () => {
    const id = server.conversation(peer)
    const { im, alarms } = client(server)
    await im.start()
    await settle()
    server.say(id, peer, 'one')
    await settle()
    // A seq far ahead of a history that stays as it is.
    server.deliver({ type: 1, message_id: 'ahead', from: peer, conversation_id: id, seq: 40, timestamp: 1, content: { text: 'ahead' } })
    server.requests = []
    for (let second = 0; second < 60; second++) {
      alarms.advance(1_000)
      await settle()
    }
    expect(server.requests.filter(path => path.includes('/messages/')).length).toBeLessThanOrEqual(2)
    expect(im.conversation(id)?.last_seq).toBe(40)
    im.stop()
  })
})

describe('a socket that opens and ends at once', () => {
  test('does not bring everybody back at once: the back-off grows', async () => {
    const { im, alarms } = client(server)
    server.sync = () => {} // the server takes sockets and does nothing more
    await im.start()
    await settle()
    const before = server.opened
    for (let second = 0; second < 120; second++) {
      server.cut(1011)
      alarms.advance(1_000)
      await settle()
    }
    expect(server.opened - before).toBeLessThan(40)
    im.stop()
  })
})

describe('what is asked over the socket', () => {
  test('is what REST would answer, and REST is asked only when the socket says nothing', async () => {
    const id = server.conversation(peer)
    server.store(id, peer, 'one')
    const { im, alarms } = client(server)
    await im.start()
    await settle()
    expect(im.conversation(id)?.last_seq).toBe(1)
    expect(server.frames.filter(frame => frame.type === 61).length).toBeGreaterThan(0)
    // The server takes questions and is silent.
    const receive = server.receive.bind(server)
    server.receive = (socket, frame) => frame.type === 61 ? undefined : receive(socket, frame)
    server.store(id, peer, 'two')
    server.sync()
    await settle()
    expect(im.conversation(id)?.last_seq).toBe(1)
    alarms.advance(3_000)
    await settle()
    alarms.advance(3_000)
    await settle()
    expect(im.conversation(id)?.last_seq).toBe(2)
    im.stop()
  })

  test('is asked again over REST when the socket ends in the middle', async () => {
    const id = server.conversation(peer)
    const { im, alarms } = client(server)
    await im.start()
    await settle()
    const receive = server.receive.bind(server)
    server.receive = (socket, frame) => frame.type === 61 ? undefined : receive(socket, frame)
    server.store(id, peer, 'one')
    server.sync()
    await settle()
    server.cut()
    await settle()
    server.receive = receive
    alarms.advance(1_000)
    await settle()
    expect(im.conversation(id)?.last_seq).toBe(1)
    im.stop()
  })
})
