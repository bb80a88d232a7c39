import type { Person } from '../harness/scene'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { signIn } from '../harness/browser'
import { Nginx } from '../harness/nginx'
import { bubble, openPrivate, say, useScene } from '../harness/scene'
import { until } from '../harness/until'

const nginx = new Nginx()
const scene = useScene(async () => [`server.public_url=${await nginx.reserve('/chat/')}`, 'server.trusted_proxies=127.0.0.1'])
beforeAll(() => nginx.start(scene.server.url))
afterAll(() => nginx.stop())
const PICTURE = readFileSync(join(import.meta.dirname, '../../app/public/icon-512.png'))

/** Everything that is asked for, by who comes by the path. */
async function comer(nickname: string): Promise<Person & { asked: string[] }> {
  const asked: string[] = []
  const person = await scene.visitor(await scene.server.user(nickname), { baseURL: nginx.url })
  person.context.on('request', request => asked.push(request.url()))
  person.page.on('websocket', socket => asked.push(socket.url()))
  await signIn(person.page, person.user, './')
  return { ...person, asked }
}

test('under a path everything works as at the root, and nothing is asked for outside of it', async () => {
  const ada = await comer('Ada')
  const bob = await comer('Bob')
  await openPrivate(ada.page, bob.user)
  await openPrivate(bob.page, ada.user)
  expect(new URL(ada.page.url()).pathname).toMatch(/^\/chat\/c\/private/)
  await say(ada.page, 'hello')
  await bubble(bob.page, 'hello').waitFor()

  const large = Buffer.alloc(9 << 20, 7) // by tus
  await ada.page.getByTestId('composer-file').setInputFiles([{ name: 'icon.png', mimeType: 'image/png', buffer: PICTURE }, { name: 'large.bin', mimeType: 'application/octet-stream', buffer: large }])
  await ada.page.getByTestId('composer-send').click()
  const picture = bob.page.getByTestId('message-image').locator('img')
  await until('the picture is shown', () => picture.evaluate(image => (image as HTMLImageElement).naturalWidth > 0).catch(() => false))
  await bob.page.getByTestId('file-name').getByText('large.bin').waitFor()

  await bob.page.reload()
  await bubble(bob.page, 'hello').waitFor()
  const outside = [...ada.asked, ...bob.asked].filter(url => !url.startsWith('blob:') && !url.startsWith('data:') && !new URL(url).pathname.startsWith('/chat/'))
  expect(outside).toEqual([])
  expect(ada.asked.some(url => url.startsWith('ws://') && url.includes('/chat/ws'))).toBe(true)
})

test('under a path the page opens without the network, and an image of a message needs no header', async () => {
  const ada = await comer('Ada')
  const bob = await scene.server.user('Bob')
  await openPrivate(ada.page, bob)
  await say(ada.page, 'kept')
  await ada.page.locator('[data-testid="message"]:not([data-state="queued"])').waitFor()
  await ada.page.getByTestId('composer-file').setInputFiles([{ name: 'icon.png', mimeType: 'image/png', buffer: PICTURE }])
  await ada.page.getByTestId('composer-send').click()
  const history = async () => (await scene.server.call<{ messages: { type: number, content: { url: string, thumbnail_url: string } }[] }>('GET', `/api/messages/private/${ada.user.user_id}`, undefined, bob.token)).messages
  await until('the picture is stored', async () => (await history()).some(message => message.type === 4))
  const { content } = (await history()).find(message => message.type === 4)!
  expect(content.url).toMatch(/^\/chat\/api\/files\/file_/)
  for (const url of [content.url, content.thumbnail_url]) {
    const width = await ada.page.evaluate(async (src) => {
      const image = new Image()
      image.src = src
      await image.decode()
      return image.naturalWidth
    }, url)
    expect(width).toBeGreaterThan(0)
  }

  await ada.page.evaluate(async () => (await navigator.serviceWorker.ready).active?.state)
  await until('the page is kept for offline', () => ada.page.evaluate(async () => (await caches.keys()).length > 0 && await caches.match('/chat/index.html', { ignoreSearch: true }) !== undefined))
  await ada.context.setOffline(true)
  await ada.page.reload()
  await bubble(ada.page, 'kept').waitFor()
  await ada.context.setOffline(false)
})
