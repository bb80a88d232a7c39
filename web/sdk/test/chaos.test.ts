import type { Message } from '../src/index.ts'
import type { Chaos } from './fake_server.ts'
import { expect, test } from 'vitest'
import { FakeServer, seeded } from './fake_server.ts'
import { client, settle } from './setup.ts'

const SEEDS = Number(process.env.SEEDS ?? 1000)
const FIRST = Number(process.env.SEED ?? 1)

/** What somebody sees of a message. */
function visible({ message_id, content, edited_at, recalled_at, recalled_by, reactions, type }: Message) {
  if (type > 7)
    return { message_id }
  const shown = (reactions ?? []).map(({ emoji, count, mine }) => `${emoji} ${count} ${mine}`).sort()
  return { message_id, content, edited: Boolean(edited_at), recalled: Boolean(recalled_at), by: recalled_by, shown }
}

/** One run: two conversations, a bad network, cuts, own messages; then calm, and the truth has to be shown. */
async function run(seed: number): Promise<void> {
  const random = seeded(seed)
  const server = new FakeServer(random)
  const peers = ['user_bbbbbbbbbbbbb', 'user_ccccccccccccc']
  const ids = peers.map(peer => server.conversation(peer))
  for (const [index, id] of ids.entries()) {
    for (let i = 0; i < Math.floor(random() * 80); i++) server.store(id, peers[index]!, `old ${i}`)
  }
  for (const id of ids) server.delivered.set(id, Math.floor(random() * 90))
  const { im, alarms } = client(server)
  const heard = new Map(ids.map(id => [id, [] as number[]]))
  im.on('messages', ({ conversation_id, messages }) => heard.get(conversation_id)!.push(...messages.map(message => message.seq)))
  await im.start()
  await settle()
  const timelines = ids.map(id => im.timeline(id, () => {}))
  await Promise.all(timelines.map(timeline => timeline.open().catch(() => {})))

  const chaos: Chaos = { lose: random() * 0.4, double: random() * 0.4, late: random() * 0.5, loseAck: random() * 0.5 }
  server.chaos = chaos
  const sent: string[] = []
  const operated: string[] = []
  const operate = async (pick: number) => {
    const id = ids[pick]!
    const messages = server.conversations.get(id)!.filter(message => message.type <= 7)
    const target = messages[Math.floor(random() * messages.length)]
    if (!target)
      return
    const kind = Math.floor(random() * 4)
    const emoji = random() < 0.5 ? '👍' : '🎉'
    if (random() < 0.5) {
      const content = { message_id: target.message_id, ...[{}, { content: { text: `edit ${random()}` } }, { emoji, add: true }, { emoji, add: false }][kind] }
      const entry = server.operate(id, peers[pick]!, [32, 35, 36, 36][kind]!, content)
      if (entry)
        server.push(entry)
    }
    else {
      const acts = [() => im.recall(target), () => im.edit(target, { text: `mine ${random()}` }), () => im.react(target, emoji, true), () => im.react(target, emoji, false)]
      operated.push((await acts[kind]!()).message_id)
    }
  }
  for (let step = 0; step < 24; step++) {
    const pick = Math.floor(random() * 2)
    const dice = random()
    if (dice < 0.3)
      await operate(pick)
    else if (dice < 0.6)
      server.say(ids[pick]!, peers[pick]!, `live ${step}`)
    else if (dice < 0.8)
      sent.push((await im.send(im.withUser({ user_id: peers[pick]!, username: 'p', nickname: 'p' }), { text: `mine ${step}` })).message_id)
    else if (dice < 0.86)
      server.cut(random() < 0.5 ? 1006 : 4009)
    else if (dice < 0.92)
      im.markRead(ids[pick]!, im.conversation(ids[pick]!)?.last_seq ?? 0)
    else
      server.sync()
    if (random() < 0.5)
      await settle()
    alarms.advance(Math.floor(random() * 3_000))
  }
  server.chaos = { lose: 0, double: 0, late: 0, loseAck: 0 }
  server.release()
  for (let round = 0; round < 8; round++) {
    alarms.advance(31_000)
    await settle()
  }
  server.sync()
  await settle()
  alarms.advance(1_000)
  await settle()

  for (const [index, id] of ids.entries()) {
    const truth = server.conversations.get(id)!
    const shown = timelines[index]!
    while (shown.hasOlder) await shown.loadOlder()
    while (shown.hasNewer) await shown.loadNewer()
    expect(shown.messages.map(message => message.message_id), `seed ${seed}: ${id}`).toEqual(truth.map(message => message.message_id))
    expect(shown.messages.map(visible), `seed ${seed}: what operations did in ${id}`).toEqual(truth.map(visible))
    expect(im.outgoing(id), `seed ${seed}: the queue`).toEqual([])
    expect(im.conversation(id)?.last_seq ?? 0, `seed ${seed}`).toBe(truth.length)
    expect(im.conversation(id)?.unread ?? 0, `seed ${seed}: unread of ${id}`).toBe(server.unread(id))
    const told = heard.get(id)!
    expect(told, `seed ${seed}: told in order, once`).toEqual([...new Set(told)].sort((a, b) => a - b))
  }
  const stored = ids.flatMap(id => server.conversations.get(id)!.map(message => message.message_id))
  expect(new Set(stored).size, `seed ${seed}: nothing twice`).toBe(stored.length)
  for (const id of operated) expect(stored.filter(other => other === id).length, `seed ${seed}: done once`).toBeLessThanOrEqual(1)
  for (const id of sent) expect(stored.filter(other => other === id), `seed ${seed}: sent once`).toHaveLength(1)
  im.stop()
}

test(`whatever the network loses, doubles or mixes up, the list shows what is true (${SEEDS} seeds)`, async () => {
  for (let seed = FIRST; seed < FIRST + SEEDS; seed++) await run(seed)
}, 300_000)
