import { expect, test } from 'vitest'
import { bubble, conversation, conversationWith, openPrivate, say, texts, useScene } from '../harness/scene'
import { Wire } from '../harness/socket'
import { until } from '../harness/until'

const scene = useScene()

test('opens at the first unread message, with a line before it, and counts what is below', async () => {
  const ada = await scene.person('Ada')
  const bob = await scene.server.user('Bob')
  const id = conversationWith(ada.user, bob)
  const wire = await Wire.open(scene.server, bob)
  await wire.send({ to: ada.user.user_id }, Array.from({ length: 30 }, (_, i) => `old ${i}`))
  await conversation(ada.page, id).click()
  await ada.page.getByTestId('jump-to-latest').click()
  await bubble(ada.page, 'old 29').waitFor()
  await conversation(ada.page, id).getByTestId('unread-badge').waitFor({ state: 'detached' })
  await openPrivate(ada.page, await scene.server.user('Eve'))
  await wire.send({ to: ada.user.user_id }, Array.from({ length: 60 }, (_, i) => `new ${i}`))
  await until('60 unread', async () => (await conversation(ada.page, id).getByTestId('unread-badge').innerText()).includes('60'))
  await conversation(ada.page, id).click()
  const line = ada.page.getByTestId('unread-divider')
  await line.waitFor()
  const top = await ada.page.getByTestId('message-list').boundingBox()
  const at = await line.boundingBox()
  expect(at!.y - top!.y).toBeLessThan(120)
  await bubble(ada.page, 'new 0').waitFor()
  const jump = ada.page.getByTestId('jump-to-latest')
  await jump.waitFor()
  await expect.poll(() => jump.innerText()).toMatch(/\d+ new messages/)
  await jump.click()
  await bubble(ada.page, 'new 59').waitFor()
  await conversation(ada.page, id).getByTestId('unread-badge').waitFor({ state: 'detached' })
  wire.close()
})

test('new messages do not move somebody who reads further up, and the place is kept when he comes back', async () => {
  const ada = await scene.person('Ada')
  const bob = await scene.server.user('Bob')
  const eve = await scene.server.user('Eve')
  const wire = await Wire.open(scene.server, bob)
  await wire.send({ to: ada.user.user_id }, Array.from({ length: 120 }, (_, i) => `line ${i}`))
  await scene.server.call('GET', '/api/conversations', undefined, ada.user.token)
  const id = conversationWith(ada.user, bob)
  await conversation(ada.page, id).click()
  await ada.page.getByTestId('jump-to-latest').click()
  await bubble(ada.page, 'line 119').waitFor()
  const list = ada.page.getByTestId('message-list')
  await list.hover()
  await ada.page.mouse.wheel(0, -1500)
  await ada.page.getByTestId('jump-to-latest').waitFor()
  const topLine = () => list.evaluate((element) => {
    const top = element.getBoundingClientRect().top
    const row = Array.from(element.querySelectorAll<HTMLElement>('[data-testid="message"]')).find(one => one.getBoundingClientRect().bottom > top + 4)!
    return { text: row.querySelector('[data-testid="message-text"]')!.textContent, y: Math.round(row.getBoundingClientRect().top - top) }
  })
  let before = await topLine()
  await until('the list is at rest', async () => {
    const now = await topLine()
    const rests = now.text === before.text && now.y === before.y
    before = now
    return rests
  })
  await wire.send({ to: ada.user.user_id }, ['while away'])
  await conversation(ada.page, id).getByText('while away').waitFor()
  expect(await topLine()).toEqual(before)
  await openPrivate(ada.page, eve)
  await ada.page.evaluate(() => window.history.back())
  await until('the place is the same', async () => {
    const now = await topLine().catch(() => undefined)
    return now !== undefined && now.text === before.text && Math.abs(now.y - before.y) <= 24
  })
  wire.close()
})

test('5,000 messages are scrolled back without a jump', async () => {
  const ada = await scene.server.user('Ada')
  const bob = await scene.server.user('Bob')
  const wire = await Wire.open(scene.server, bob)
  const wanted = Array.from({ length: 5_000 }, (_, i) => `#${i} ${'word '.repeat((i * 7) % 40)}`)
  await wire.flood({ to: ada.user_id }, wanted)
  wire.close()
  const { page } = await scene.person(ada)
  await conversation(page, conversationWith(ada, bob)).click()
  await page.getByTestId('jump-to-latest').click()
  await page.getByTestId('message').filter({ hasText: '#4999 ' }).waitFor()
  const list = page.getByTestId('message-list')
  await list.hover()
  // What is read moves down as far as the wheel was turned, and never up. A slow machine may take several turns at once.
  const STEP = 480
  await list.evaluate((element) => {
    let anchor = { seq: '', top: 0 }
    const measure = () => {
      const box = element.getBoundingClientRect()
      const rows = Array.from(element.querySelectorAll<HTMLElement>('[data-testid="message"]'))
      const kept = rows.find(row => row.dataset.seq === anchor.seq)
      const moved = kept ? kept.getBoundingClientRect().top - anchor.top : undefined
      const next = rows.find(row => row.getBoundingClientRect().bottom > box.top + 8)
      anchor = { seq: next?.dataset.seq ?? '', top: next?.getBoundingClientRect().top ?? 0 }
      return { moved, first: rows.some(row => row.dataset.seq === '1') }
    }
    Object.assign(window, { measure })
  })
  const measure = () => page.evaluate(() => new Promise<{ moved?: number, first: boolean }>((resolve) => {
    requestAnimationFrame(() => requestAnimationFrame(() => resolve((window as unknown as { measure: () => { moved?: number, first: boolean } }).measure())))
  }))
  await measure()
  let open = 0
  let measured = 0
  const jumps: number[] = []
  await until('the first message is there', async () => {
    await page.mouse.wheel(0, -STEP)
    open += STEP
    const { moved, first } = await measure()
    if (moved !== undefined) {
      measured++
      if (moved < -2 || moved > open + 2)
        jumps.push(moved)
    }
    // Of what was not seen to move some may still come.
    open = moved === undefined ? Math.min(open, STEP) : Math.max(0, open - moved)
    return first
  }, 160_000)
  expect(measured).toBeGreaterThan(200)
  expect(jumps).toEqual([])
}, 240_000)

test('days are told apart and consecutive messages of one sender stand together', async () => {
  const ada = await scene.person('Ada')
  const bob = await scene.person('Bob')
  await openPrivate(ada.page, bob.user)
  await say(ada.page, 'one')
  await say(ada.page, 'two')
  await bubble(ada.page, 'two').waitFor()
  await expect.poll(() => ada.page.getByTestId('day-divider').allInnerTexts()).toEqual(['Today'])
  const gap = async (first: string, second: string) => (await bubble(ada.page, second).boundingBox())!.y - (await bubble(ada.page, first).boundingBox())!.y - (await bubble(ada.page, first).boundingBox())!.height
  expect(await gap('one', 'two')).toBeLessThanOrEqual(2)
  await expect.poll(() => texts(ada.page)).toEqual(['one', 'two'])
})
