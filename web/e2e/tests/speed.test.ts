import type { Page } from 'playwright-core'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, expect, test } from 'vitest'
import { signIn } from '../harness/browser'
import { bubble, conversation, conversationWith, openPrivate, OUT, say, useScene } from '../harness/scene'
import { Wire } from '../harness/socket'
import { until } from '../harness/until'

/** What is measured is printed and kept, never asserted: the machine is not ours alone. */
const scene = useScene()
const figures: Record<string, string> = {}

function note(name: string, value: string): void {
  figures[name] = value
  console.log(`${name}: ${value}`)
}

const at = (sorted: number[], share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!
function spread(values: number[]): string {
  const sorted = values.toSorted((a, b) => a - b)
  return `p50 ${at(sorted, 0.5).toFixed(0)} ms, p95 ${at(sorted, 0.95).toFixed(0)} ms, max ${sorted.at(-1)!.toFixed(0)} ms (${values.length} samples)`
}

afterAll(() => writeFileSync(join(OUT, 'speed.json'), `${JSON.stringify(figures, null, 2)}\n`))

test('first load', async () => {
  const ada = await scene.server.user('Ada')
  const { page } = await scene.visitor(ada)
  const loaded = new Map<string, number>()
  page.on('response', async (response) => {
    if (response.url().endsWith('.js'))
      loaded.set(response.url(), gzipSync(await response.body().catch(() => Buffer.alloc(0)), { level: 9 }).length)
  })
  await page.goto('/')
  await page.getByTestId('login-submit').waitFor()
  const interactive = await page.evaluate(() => performance.now())
  note('sign-in page can be used after', `${interactive.toFixed(0)} ms`)
  await signIn(page, ada)
  await page.getByText('No conversations yet').waitFor()
  await until('scripts are counted', () => loaded.size > 2)
  const workers = [...loaded].filter(([url]) => !url.endsWith('/sw.js'))
  note('script until the chats are on the screen', `${(workers.reduce((sum, [, bytes]) => sum + bytes, 0) / 1000).toFixed(1)} KB gzip in ${workers.length} files`)
  const again: number[] = []
  for (let i = 0; i < 5; i++) {
    await page.reload()
    await page.getByTestId('composer-input').or(page.getByText('No conversations yet')).waitFor()
    again.push(await page.evaluate(() => performance.now()))
  }
  note('chats can be used after a reload', spread(again))
  expect(workers.length).toBeGreaterThan(0)
})

test('from the Enter key of one browser to the screen of the other', async () => {
  const ada = await scene.person('Ada')
  const bob = await scene.person('Bob')
  await openPrivate(ada.page, bob.user)
  await openPrivate(bob.page, ada.user)
  await say(ada.page, 'warm')
  await bubble(bob.page, 'warm').waitFor()
  await bob.page.evaluate(() => {
    const painted: Record<string, number> = {}
    Object.assign(window, { painted })
    new MutationObserver(() => {
      for (const element of Array.from(document.querySelectorAll('[data-testid="message-text"]'))) {
        const text = element.textContent ?? ''
        if (!(text in painted)) {
          painted[text] = 0
          requestAnimationFrame(() => setTimeout(() => { painted[text] = performance.timeOrigin + performance.now() }))
        }
      }
    }).observe(document.body, { subtree: true, childList: true })
  })
  const waits: number[] = []
  for (let i = 0; i < 30; i++) {
    const text = `timed ${i}`
    await ada.page.getByTestId('composer-input').fill(text)
    const pressed = await ada.page.evaluate(() => new Promise<number>((resolve) => {
      const field = document.querySelector('[data-testid="composer-input"]')!
      const now = performance.timeOrigin + performance.now()
      field.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', bubbles: true, cancelable: true }))
      resolve(now)
    }))
    const painted = await until(`${text} is painted`, () => bob.page.evaluate(key => (window as unknown as { painted: Record<string, number> }).painted[key], text))
    waits.push(painted - pressed)
  }
  note('typed by one user, painted at the other', spread(waits))
})

/** Copies a conversation into the page's database, page by page, as scrolling through all of it would. */
async function keepAll(page: Page, me: string, peer: string, id: string, total: number): Promise<void> {
  await page.evaluate(async ({ me, peer, id, total }) => {
    const { token } = JSON.parse(localStorage.getItem('simpleim.session')!) as { token: string }
    const db = await new Promise<IDBDatabase>((resolve) => {
      const open = indexedDB.open(`simpleim:${me}`)
      open.onsuccess = () => resolve(open.result)
    })
    for (let after = 0; after < total; after += 200) {
      const answer = await fetch(`/api/messages/private/${peer}?limit=200&after_seq=${after}`, { headers: { Authorization: `Bearer ${token}` } })
      const { data } = await answer.json() as { data: { messages: object[] } }
      const write = db.transaction(['messages', 'covered'], 'readwrite', { durability: 'relaxed' })
      for (const message of data.messages) write.objectStore('messages').put(message)
      if (after + 200 >= total)
        write.objectStore('covered').put({ conversation_id: id, ranges: [[1, total]] })
      await new Promise((resolve) => { write.oncomplete = resolve })
    }
    db.close()
  }, { me, peer, id, total })
}

test('a conversation of 100,000 messages on this device', async () => {
  const TOTAL = 100_000
  const ada = await scene.server.user('Ada')
  const bob = await scene.server.user('Bob')
  const wire = await Wire.open(scene.server, bob)
  for (let done = 0; done < TOTAL; done += 10_000)
    await wire.flood({ to: ada.user_id }, Array.from({ length: 10_000 }, (_, i) => `#${done + i} ${'lorem ipsum '.repeat((done + i) % 12)}`))
  wire.close()
  const id = conversationWith(ada, bob)
  await scene.server.read(ada, id, TOTAL)
  const { page } = await scene.person(ada)
  await conversation(page, id).waitFor()
  await keepAll(page, ada.user_id, bob.user_id, id, TOTAL)
  const opens: number[] = []
  for (let i = 0; i < 10; i++) {
    await page.goto('/')
    await conversation(page, id).waitFor()
    opens.push(await conversation(page, id).evaluate(async (link) => {
      const begin = performance.now()
      ;(link as HTMLElement).click()
      const shown = () => document.querySelector('.scroller.ready [data-testid="message-text"]')
      while (!shown()) await new Promise(resolve => requestAnimationFrame(resolve))
      await new Promise(resolve => requestAnimationFrame(() => setTimeout(resolve)))
      return performance.now() - begin
    }))
  }
  note('a conversation of 100,000 local messages opens in', spread(opens))

  await page.getByTestId('message').filter({ hasText: `#${TOTAL - 1} ` }).waitFor()
  await page.getByTestId('message-list').hover()
  await scene.browser.startTracing(page, { path: join(OUT, 'scroll-trace.json') })
  const frames = page.evaluate(() => new Promise<number[]>((resolve) => {
    const gaps: number[] = []
    let last = performance.now()
    const end = last + 5_000
    const frame = (now: number) => {
      gaps.push(now - last)
      last = now
      if (now < end)
        requestAnimationFrame(frame)
      else
        resolve(gaps)
    }
    requestAnimationFrame(frame)
  }))
  const scrolling = setInterval(() => void page.mouse.wheel(0, -240).catch(() => {}), 16)
  const gaps = await frames
  clearInterval(scrolling)
  await scene.browser.stopTracing()
  const sorted = gaps.toSorted((a, b) => a - b)
  const reached = await page.getByTestId('message').first().getAttribute('data-seq')
  note('frames while it is scrolled for 5 s', `p50 ${at(sorted, 0.5).toFixed(1)} ms, p99 ${at(sorted, 0.99).toFixed(1)} ms, ${gaps.filter(gap => gap > 34).length} of ${gaps.length} longer than two frames; ${TOTAL - Number(reached)} messages passed`)
}, 300_000)

test('the built files', () => {
  const dist = join(import.meta.dirname, '../../app/dist/assets')
  const sizes = readdirSync(dist).filter(name => name.endsWith('.js') && !name.startsWith('data-')).map(name => gzipSync(readFileSync(join(dist, name)), { level: 9 }).length)
  note('all script but the emoji data', `${(sizes.reduce((sum, bytes) => sum + bytes, 0) / 1000).toFixed(1)} KB gzip`)
  expect(sizes.length).toBeGreaterThan(5)
})
