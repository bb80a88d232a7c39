import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { bubble, conversation, conversationWith, openPrivate, say, texts, useScene } from '../harness/scene'
import { Wire } from '../harness/socket'
import { until } from '../harness/until'

const scene = useScene()

test('two people find each other and talk; marks, badges and previews follow', async () => {
  const ada = await scene.person('Ada')
  const bob = await scene.person('Bob')
  const id = conversationWith(ada.user, bob.user)
  await openPrivate(ada.page, bob.user)
  await say(ada.page, 'hello Bob')

  const badge = conversation(bob.page, id).getByTestId('unread-badge')
  await badge.waitFor()
  await expect.poll(() => badge.innerText()).toContain('1')
  await expect.poll(() => conversation(bob.page, id).getByTestId('conversation-preview').innerText()).toBe('hello Bob')
  await expect.poll(() => bob.page.title()).toContain('(1)')
  await ada.page.locator('[data-testid="message"][data-state="delivered"]').waitFor()

  await conversation(bob.page, id).click()
  await bubble(bob.page, 'hello Bob').waitFor()
  await ada.page.locator('[data-testid="message"][data-state="read"]').waitFor()
  await badge.waitFor({ state: 'detached' })

  await say(bob.page, 'hello Ada')
  await bubble(ada.page, 'hello Ada').waitFor()
  await expect.poll(() => texts(ada.page)).toEqual(['hello Bob', 'hello Ada'])
  await expect.poll(() => texts(bob.page)).toEqual(['hello Bob', 'hello Ada'])
})

test('frames travel as binary messages', async () => {
  const ada = await scene.person('Ada')
  const bob = await scene.server.user('Bob')
  const frames: { payload: string | Buffer }[] = []
  ada.page.on('websocket', socket => socket.on('framesent', frame => frames.push(frame)).on('framereceived', frame => frames.push(frame)))
  await ada.page.reload()
  await openPrivate(ada.page, bob)
  await say(ada.page, 'in fewer bytes')
  await ada.page.locator('[data-testid="message"][data-state="sent"]').waitFor()
  expect(frames.length).toBeGreaterThan(2)
  expect(frames.every(({ payload }) => typeof payload !== 'string')).toBe(true)
})

test('the other one sees that somebody is typing, and until when he was there', async () => {
  const ada = await scene.person('Ada')
  const bob = await scene.person('Bob')
  await openPrivate(ada.page, bob.user)
  await ada.page.locator('[data-testid="presence"][data-online="true"]').waitFor()
  await openPrivate(bob.page, ada.user)
  await bob.page.getByTestId('composer-input').pressSequentially('hm')
  await ada.page.getByTestId('typing').waitFor()
  await expect.poll(() => ada.page.getByTestId('typing').innerText()).toContain('Bob')
  await ada.page.getByTestId('typing').waitFor({ state: 'detached' })
  await bob.context.close()
  await ada.page.locator('[data-testid="presence"][data-online="false"]').waitFor()
  await expect.poll(() => ada.page.getByTestId('presence').innerText()).toMatch(/seen/i)
})

test('a refused message says why, and goes out when it is sent again', async () => {
  const ada = await scene.person('Ada')
  const bob = await scene.person('Bob')
  await scene.server.call('PUT', `/api/blocks/${ada.user.user_id}`, undefined, bob.user.token)
  await openPrivate(ada.page, bob.user)
  await say(ada.page, 'let me in')
  const failed = ada.page.locator('[data-testid="message"][data-state="failed"]')
  await failed.waitFor()
  await expect.poll(() => failed.innerText()).toContain('does not take messages from you')
  await scene.server.call('DELETE', `/api/blocks/${ada.user.user_id}`, undefined, bob.user.token)
  await failed.getByTestId('message-retry').click()
  await ada.page.locator('[data-testid="message"][data-state="delivered"]').waitFor()
  await say(ada.page, 'two')
  await bubble(ada.page, 'two').waitFor()
  await expect.poll(() => texts(ada.page)).toEqual(['let me in', 'two'])
})

test('a failed message can be thrown away', async () => {
  const ada = await scene.person('Ada')
  const bob = await scene.server.user('Bob')
  await scene.server.call('PUT', `/api/blocks/${ada.user.user_id}`, undefined, bob.token)
  await openPrivate(ada.page, bob)
  await say(ada.page, 'never mind')
  await ada.page.getByTestId('message-discard').click()
  await until('the list is empty', async () => (await texts(ada.page)).length === 0)
})

test('pinned comes first, muted counts quietly, archived is put away; the other device follows', async () => {
  const ada = await scene.person('Ada')
  const phone = await scene.person(ada.user, { viewport: { width: 390, height: 800 } })
  const [bob, eve] = [await scene.server.user('Bob'), await scene.server.user('Eve')]
  for (const other of [bob, eve]) {
    await openPrivate(ada.page, other)
    await say(ada.page, `hi ${other.nickname}`)
    await bubble(ada.page, `hi ${other.nickname}`).waitFor()
  }
  const withBob = conversationWith(ada.user, bob)
  const order = (page: typeof ada.page) => page.getByTestId('conversation').evaluateAll(rows => rows.map(row => row.getAttribute('data-conversation-id')))
  await until('Eve is first', async () => (await order(ada.page))[0] === conversationWith(ada.user, eve))

  const options = ada.page.locator('li', { has: conversation(ada.page, withBob) }).getByTestId('conversation-options')
  await options.click()
  await ada.page.getByTestId('conversation-pin').click()
  await until('Bob is first', async () => (await order(ada.page))[0] === withBob)
  await until('and on the phone', async () => (await order(phone.page))[0] === withBob)
  await options.click()
  await ada.page.getByTestId('conversation-mute').click()
  await ada.page.locator(`[data-conversation-id="${withBob}"][data-muted="true"]`).waitFor()
  await options.click()
  await ada.page.getByTestId('conversation-archive').click()
  await until('Bob is put away', async () => !(await order(phone.page)).includes(withBob))
})

test('the search finds chats at once and people by their name', async () => {
  const ada = await scene.person('Ada')
  const lei = await scene.server.user('韩梅梅')
  await openPrivate(ada.page, lei)
  await say(ada.page, '你好')
  await bubble(ada.page, '你好').waitFor()
  await ada.page.getByTestId('user-search').fill('梅梅')
  await ada.page.getByTestId('conversation').first().waitFor()
  await expect.poll(() => ada.page.getByTestId('conversation').count()).toBe(1)
  await ada.page.getByTestId('user-search').fill('nobody-has-this-name')
  await ada.page.getByText('Nobody and nothing matches').waitFor()
})

/** A page that is not looked at, and writes down what it would notify of. */
async function watchNotifications(page: Page): Promise<() => Promise<string[]>> {
  await page.addInitScript(() => {
    const shown: string[] = []
    Object.assign(window, { shown })
    document.hasFocus = () => false
    class FakeNotification {
      static permission = 'granted'
      static requestPermission = async () => 'granted'
      onclick = () => {}
      close() {}
      constructor(title: string, options: { body: string }) { shown.push(`${title}: ${options.body}`) }
    }
    Object.assign(window, { Notification: FakeNotification })
    localStorage.setItem('simpleim.notifications', 'true')
  })
  await page.reload()
  await page.getByTestId('conversation-list').waitFor()
  return () => page.evaluate(() => (window as unknown as { shown: string[] }).shown)
}

test('a notification tells of a message while the tab is away, not of muted ones', async () => {
  const ada = await scene.person('Ada')
  const bob = await scene.server.user('Bob')
  const shown = await watchNotifications(ada.page)
  const wire = await Wire.open(scene.server, bob)
  await wire.send({ to: ada.user.user_id }, ['are you there?'])
  await until('a notification', async () => (await shown()).includes('Bob: are you there?'))
  await scene.server.call('PATCH', `/api/conversations/${conversationWith(ada.user, bob)}`, { muted: true }, ada.user.token)
  await ada.page.locator('[data-testid="conversation"][data-muted="true"]').waitFor()
  await wire.send({ to: ada.user.user_id }, ['quietly'])
  await ada.page.getByTestId('conversation-preview').getByText('quietly').waitFor()
  expect(await shown()).toHaveLength(1)
  wire.close()
})

test('the tab that holds the socket does not notify of what is read in another', async () => {
  const ada = await scene.person('Ada')
  const bob = await scene.server.user('Bob')
  const shown = await watchNotifications(ada.page)
  const second = await ada.context.newPage()
  await second.goto('/')
  await openPrivate(second, bob)
  const wire = await Wire.open(scene.server, bob)
  await wire.send({ to: ada.user.user_id }, ['seen in the second tab'])
  await bubble(second, 'seen in the second tab').waitFor()
  await ada.page.getByTestId('conversation-preview').getByText('seen in the second tab').waitFor()
  expect(await shown()).toEqual([])
  await second.close()
  await wire.send({ to: ada.user.user_id }, ['now nobody looks'])
  await until('a notification', async () => (await shown()).includes('Bob: now nobody looks'))
  wire.close()
})

test('a call leaves a line that says how it went', async () => {
  const ada = await scene.person('Ada')
  const bob = await scene.server.user('Bob')
  await openPrivate(ada.page, bob)
  const wire = await Wire.open(scene.server, bob)
  for (const kind of ['audio', 'video']) {
    wire.signal(40, ada.user.user_id, { call_id: `call-${kind}`, kind, sdp: '' })
    wire.signal(44, ada.user.user_id, { call_id: `call-${kind}` })
  }
  await ada.page.getByTestId('event').getByText('Voice call cancelled').waitFor()
  await ada.page.getByTestId('event').getByText('Video call cancelled').waitFor()
  await ada.page.getByTestId('conversation-preview').getByText('Video call cancelled').waitFor()
  wire.close()
})
