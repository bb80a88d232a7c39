import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { signIn } from '../harness/browser'
import { FrozenProxy } from '../harness/frozen_proxy'
import { bubble, conversation, conversationWith, openPrivate, say, texts, useScene } from '../harness/scene'
import { Wire } from '../harness/socket'
import { until } from '../harness/until'

const scene = useScene()
const connections = async () => ((await (await fetch(`${scene.server.url}/stats`)).json()) as { total_connections: number }).total_connections

/** Messages that wait in the browser's own database. */
function queuedOnDevice(page: Page, userId: string): Promise<number> {
  return page.evaluate(name => new Promise<number>((done, fail) => {
    const opening = indexedDB.open(name)
    opening.onerror = () => fail(opening.error)
    opening.onsuccess = () => {
      const counting = opening.result.transaction('outgoing').objectStore('outgoing').count()
      counting.onsuccess = () => {
        opening.result.close()
        done(counting.result)
      }
    }
  }), `simpleim:${userId}`)
}

test('what is written offline arrives exactly once, in order, when the network is back', async () => {
  const ada = await scene.person('Ada')
  const bob = await scene.person('Bob')
  await openPrivate(ada.page, bob.user)
  await openPrivate(bob.page, ada.user)
  await say(ada.page, 'before')
  await bubble(bob.page, 'before').waitFor()
  await scene.server.kill()
  await ada.page.getByTestId('connection-banner').waitFor()
  for (const n of [1, 2, 3]) await say(ada.page, `offline ${n}`)
  await expect.poll(() => ada.page.locator('[data-testid="message"][data-state="sending"]').count()).toBe(3)
  await scene.server.start()
  await bubble(bob.page, 'offline 3').waitFor({ timeout: 45_000 })
  await ada.page.getByTestId('connection-banner').waitFor({ state: 'detached' })
  await until('all are sent', async () => await ada.page.locator('[data-testid="message"][data-state="sending"]').count() === 0)
  const expected = ['before', 'offline 1', 'offline 2', 'offline 3']
  await expect.poll(() => texts(ada.page)).toEqual(expected)
  await expect.poll(() => texts(bob.page)).toEqual(expected)
})

test('the queue survives a reload without a server, and the list is there from the device', async () => {
  const ada = await scene.person('Ada')
  const bob = await scene.person('Bob')
  await openPrivate(ada.page, bob.user)
  await say(ada.page, 'kept')
  await ada.page.locator('[data-testid="message"][data-state="delivered"]').waitFor()
  // The worker that serves the page without a server has to be there first.
  await ada.page.evaluate(async () => (await navigator.serviceWorker.ready).active?.state)
  await until('the page is kept for offline', () => ada.page.evaluate(async () => (await caches.keys()).length > 0 && await caches.match('/index.html', { ignoreSearch: true }) !== undefined))
  await scene.server.kill()
  await say(ada.page, 'queued')
  await ada.page.locator('[data-testid="message"][data-state="sending"]').waitFor()
  // It is on the screen some milliseconds before it is on the device.
  await until('it is on the device', async () => await queuedOnDevice(ada.page, ada.user.user_id) === 1)
  await ada.page.reload()
  await bubble(ada.page, 'kept').waitFor()
  await bubble(ada.page, 'queued').waitFor()
  await expect.poll(() => ada.page.locator('[data-testid="message"][data-state="sending"]').count()).toBe(1)
  await scene.server.start()
  const id = conversationWith(ada.user, bob.user)
  await conversation(bob.page, id).click()
  await bubble(bob.page, 'queued').waitFor({ timeout: 45_000 })
  await until('sent', async () => await ada.page.locator('[data-testid="message"][data-state="sending"]').count() === 0)
  await expect.poll(() => texts(ada.page)).toEqual(['kept', 'queued'])
})

test('a server that is killed and comes back in the middle of a conversation loses and doubles nothing', async () => {
  const ada = await scene.person('Ada')
  const bob = await scene.person('Bob')
  await openPrivate(ada.page, bob.user)
  await openPrivate(bob.page, ada.user)
  const expected: string[] = []
  for (let n = 0; n < 12; n++) {
    await say(ada.page, `message ${n}`)
    expected.push(`message ${n}`)
    if (n === 4 || n === 8) {
      await scene.server.kill()
      await scene.server.start()
    }
  }
  await bubble(bob.page, 'message 11').waitFor({ timeout: 45_000 })
  await until('all are sent', async () => await ada.page.locator('[data-testid="message"][data-state="sending"]').count() === 0)
  await expect.poll(() => texts(bob.page)).toEqual(expected)
  await expect.poll(() => texts(ada.page)).toEqual(expected)
})

test('a socket that went dead without a word is noticed when the tab is looked at', async () => {
  const ada = await scene.person('Ada')
  const bob = await scene.server.user('Bob')
  await openPrivate(ada.page, bob)
  scene.server.freeze()
  try {
    await ada.page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')))
    await ada.page.getByTestId('connection-banner').waitFor({ timeout: 20_000 })
  }
  finally {
    scene.server.thaw()
  }
  await ada.page.getByTestId('connection-banner').waitFor({ state: 'detached', timeout: 45_000 })
})

/** Ada behind a network that forgets, in a conversation with Bob; some of her requests have left idle connections. */
async function overFrozenNetwork() {
  const proxy = await FrozenProxy.open(scene.server.url)
  const bob = await scene.server.user('Bob')
  const ada = await scene.person('Ada', { baseURL: proxy.url })
  await openPrivate(ada.page, bob)
  const wire = await Wire.open(scene.server, bob)
  const to = { to: ada.user.user_id }
  await wire.send(to, ['before'])
  await bubble(ada.page, 'before').waitFor()
  proxy.freeze()
  expect(proxy.frozen).toBeGreaterThan(1)
  await wire.send(to, ['meanwhile 1', 'meanwhile 2'])
  const close = () => {
    wire.close()
    proxy.close()
  }
  return { ada, close }
}

test('after waking what came meanwhile is shown within 3 s, although every open connection is dead', async () => {
  const { ada, close } = await overFrozenNetwork()
  const began = Date.now()
  await ada.page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')))
  await bubble(ada.page, 'meanwhile 2').waitFor({ timeout: 30_000 })
  console.warn(`shown ${Date.now() - began} ms after waking`)
  await say(ada.page, 'I am back')
  await ada.page.locator('[data-testid="message"][data-state="delivered"], [data-testid="message"][data-state="sent"]').filter({ hasText: 'I am back' }).waitFor()
  close()
})

test('nobody wakes it: a dead connection is found by itself', async () => {
  const { ada, close } = await overFrozenNetwork()
  const began = Date.now()
  await bubble(ada.page, 'meanwhile 2').waitFor({ timeout: 30_000 })
  console.warn(`shown ${Date.now() - began} ms after the connections died`)
  close()
})

test('a machine that slept notices by its clock', async () => {
  const { ada, close } = await overFrozenNetwork()
  const began = Date.now()
  await ada.page.evaluate(() => {
    const now = Date.now.bind(Date)
    Date.now = () => now() + 3600_000
  })
  await bubble(ada.page, 'meanwhile 2').waitFor({ timeout: 30_000 })
  console.warn(`shown ${Date.now() - began} ms after the clock had jumped`)
  close()
})

test('after 30 s in a hidden tab nothing is missing', async () => {
  const ada = await scene.person('Ada')
  const bob = await scene.server.user('Bob')
  const wire = await Wire.open(scene.server, bob)
  await wire.send({ to: ada.user.user_id }, ['one'])
  await conversation(ada.page, conversationWith(ada.user, bob)).click()
  await bubble(ada.page, 'one').waitFor()
  const cdp = await ada.context.newCDPSession(ada.page)
  const other = await ada.context.newPage() // takes the foreground; the chat's tab is hidden
  await other.bringToFront()
  await cdp.send('Emulation.setFocusEmulationEnabled', { enabled: false })
  await ada.page.evaluate(() => {
    Object.defineProperty(document, 'visibilityState', { get: () => 'hidden', configurable: true })
    document.dispatchEvent(new Event('visibilitychange'))
  })
  const hiddenSince = Date.now()
  let sent = 1
  while (Date.now() - hiddenSince < 30_000) {
    await wire.send({ to: ada.user.user_id }, [`hidden ${sent++}`])
    await new Promise(resolve => setTimeout(resolve, 1_000)) // the 30 s are what this test is about
  }
  await expect.poll(() => connections()).toBeGreaterThanOrEqual(2)
  await ada.page.evaluate(() => {
    Object.defineProperty(document, 'visibilityState', { get: () => 'visible', configurable: true })
    document.dispatchEvent(new Event('visibilitychange'))
  })
  await ada.page.bringToFront()
  await bubble(ada.page, `hidden ${sent - 1}`).waitFor()
  // Those further up than the screen are not in the page; seq says that none is missing between.
  const shown = await ada.page.getByTestId('message').evaluateAll(rows => rows.map(row => `${row.getAttribute('data-seq')} ${row.querySelector('[data-testid="message-text"]')?.textContent}`))
  expect(shown.length).toBeGreaterThan(10)
  expect(shown).toEqual(Array.from({ length: sent }, (_, i) => i === 0 ? '1 one' : `${i + 1} hidden ${i}`).slice(-shown.length))
  wire.close()
}, 90_000)

test('two tabs share one socket, and the second takes over when the first closes', async () => {
  const ada = await scene.person('Ada')
  const bob = await scene.server.user('Bob')
  // Ada's socket opens after her page is there, and those of earlier tests take a moment to go.
  await until('only Ada is connected', async () => await connections() === 1)
  const second = await ada.context.newPage()
  await second.goto('/')
  await second.getByTestId('conversation-list').waitFor()
  const wire = await Wire.open(scene.server, bob)
  await wire.send({ to: ada.user.user_id }, ['to both'])
  const id = conversationWith(ada.user, bob)
  for (const page of [ada.page, second]) await conversation(page, id).waitFor()
  await expect.poll(() => connections()).toBe(2) // Ada's first tab and Bob: the second tab opened none
  await conversation(second, id).click()
  await say(second, 'from the second tab')
  await conversation(ada.page, id).click()
  await bubble(ada.page, 'from the second tab').waitFor()
  await ada.page.close()
  await wire.send({ to: ada.user.user_id }, ['after the first closed'])
  await bubble(second, 'after the first closed').waitFor()
  await say(second, 'and back')
  await second.locator('[data-testid="message"]', { hasText: 'and back' }).and(second.locator('[data-state="delivered"], [data-state="sent"]')).waitFor()
  await expect.poll(() => texts(second)).toEqual(['to both', 'from the second tab', 'after the first closed', 'and back'])
  wire.close()
})

test('another browser of the same user gets everything, too', async () => {
  const ada = await scene.person('Ada')
  const laptop = await scene.visitor(ada.user)
  await signIn(laptop.page, ada.user)
  const bob = await scene.server.user('Bob')
  await openPrivate(ada.page, bob)
  await say(ada.page, 'seen on both')
  await conversation(laptop.page, conversationWith(ada.user, bob)).click()
  await bubble(laptop.page, 'seen on both').waitFor()
  await ada.page.getByTestId('composer-input').fill('half a thought')
  await openPrivate(ada.page, await scene.server.user('Eve'))
  await until('the draft is on the laptop', async () => await laptop.page.getByTestId('composer-input').inputValue() === 'half a thought' || await conversation(laptop.page, conversationWith(ada.user, bob)).getByText('half a thought').isVisible())
})
