import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { Minio } from '../harness/minio'
import { openPrivate, useScene } from '../harness/scene'
import { until } from '../harness/until'

const minio = new Minio()
const scene = useScene(() => minio.start())
afterAll(() => minio.stop())
const LARGE = 70 << 20
const PICTURE = readFileSync(join(import.meta.dirname, '../../app/public/icon-512.png'))

test('files go to the store and come from it without passing the server', async () => {
  const ada = await scene.person('Ada')
  const bob = await scene.person('Bob')
  await openPrivate(ada.page, bob.user)
  await openPrivate(bob.page, ada.user)
  const direct: string[] = []
  const patched: number[] = []
  for (const { page } of [ada, bob]) {
    page.on('request', (request) => {
      if (request.url().startsWith(minio.url))
        direct.push(`${request.method()} ${new URL(request.url()).pathname.split('/')[2]}`)
      if (request.method() === 'PATCH' && request.url().includes('/api/uploads/'))
        patched.push(request.postDataBuffer()?.length ?? 0)
    })
  }

  await ada.page.getByTestId('composer-file').setInputFiles([{ name: 'icon.png', mimeType: 'image/png', buffer: PICTURE }])
  await ada.page.getByTestId('composer-send').click()
  const picture = bob.page.getByTestId('message-image').locator('img')
  await until('the picture is shown', () => picture.evaluate(image => (image as HTMLImageElement).naturalWidth > 0).catch(() => false))
  expect(direct).toContain('GET contents')

  // Playwright hands over buffers of 50 MB at most.
  await ada.page.getByTestId('composer-file').evaluate((input, size) => {
    const files = new DataTransfer()
    files.items.add(new File([new Uint8Array(size).fill(7)], 'large.bin'))
    ;(input as HTMLInputElement).files = files.files
    input.dispatchEvent(new Event('change', { bubbles: true }))
  }, LARGE)
  await ada.page.getByTestId('attachment').first().waitFor()
  await ada.page.getByTestId('composer-send').click()
  await bob.page.getByTestId('file-name').getByText('large.bin').waitFor({ timeout: 60_000 })
  expect(direct.filter(one => one === 'PUT parts')).toHaveLength(2)
  expect(patched).toEqual([0])
  const link = await bob.page.locator('a[data-testid="message-file"]').getAttribute('href')
  const sizes = await bob.page.evaluate(async (url) => {
    const bytes = new Uint8Array(await (await fetch(url)).arrayBuffer())
    return [bytes.length, bytes.every(byte => byte === 7)]
  }, link!)
  expect(sizes).toEqual([LARGE, true])
}, 120_000)
