import type { Locator, Page } from 'playwright-core'
import type { Person } from '../harness/scene'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { conversation, conversationWith, openPrivate, useScene } from '../harness/scene'
import { until } from '../harness/until'

const scene = useScene()
const PICTURE = readFileSync(join(import.meta.dirname, '../../app/public/icon-512.png'))

async function talk(): Promise<{ ada: Person, bob: Person, id: string }> {
  const ada = await scene.person('Ada')
  const bob = await scene.person('Bob')
  await openPrivate(ada.page, bob.user)
  await openPrivate(bob.page, ada.user)
  return { ada, bob, id: conversationWith(ada.user, bob.user) }
}

async function attach(page: Page, ...files: { name: string, mimeType: string, buffer: Buffer }[]): Promise<void> {
  await page.getByTestId('composer-file').setInputFiles(files, { timeout: 60_000 }) // they travel to the browser first
  await page.getByTestId('attachment').first().waitFor()
}

const isShown = (image: Locator) => image.evaluate(element => (element as HTMLImageElement).complete && (element as HTMLImageElement).naturalWidth > 0)

test('a picture with words reaches the other one, opens large, and is in the list', async () => {
  const { ada, bob, id } = await talk()
  await attach(ada.page, { name: 'icon.png', mimeType: 'image/png', buffer: PICTURE })
  await ada.page.getByTestId('composer-input').fill('our new sign')
  await scene.shot(ada.page, 'attachment')
  await ada.page.getByTestId('composer-send').click()
  const got = bob.page.getByTestId('message').filter({ has: bob.page.getByTestId('message-image') })
  await got.waitFor()
  await until('the thumbnail is shown', () => isShown(got.locator('img')))
  await expect.poll(() => got.getByTestId('message-text').innerText()).toBe('our new sign')
  await ada.page.locator('[data-testid="message"]:is([data-state="delivered"], [data-state="read"])').waitFor()
  await expect.poll(() => conversation(bob.page, id).getByTestId('conversation-preview').innerText()).toBe('[Photo] our new sign')
  await scene.shot(bob.page, 'picture')
  await got.getByTestId('message-image').click()
  const large = bob.page.getByTestId('lightbox-image')
  await large.waitFor()
  await until('the picture is shown', () => isShown(large))
  await scene.shot(bob.page, 'lightbox')
  await bob.page.keyboard.press('Escape')
  await large.waitFor({ state: 'detached' })
})

test('several files go at once, pasted and dropped ones too; a picture may go as a file', async () => {
  const { ada, bob } = await talk()
  await attach(ada.page, { name: 'a.png', mimeType: 'image/png', buffer: PICTURE }, { name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('hello') })
  await ada.page.getByTestId('composer-send').click()
  await bob.page.getByTestId('message-image').waitFor()
  await bob.page.getByTestId('file-name').getByText('notes.txt').waitFor()
  for (const [event, name] of [['paste', 'pasted.txt'], ['drop', 'dropped.txt']] as const) {
    await ada.page.getByTestId('composer-input').evaluate((element, [kind, fileName]) => {
      const data = new DataTransfer()
      data.items.add(new File(['x'], fileName!, { type: 'text/plain' }))
      element.dispatchEvent(kind === 'paste'
        ? new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true })
        : new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true }))
    }, [event, name])
    await ada.page.getByTestId('attachment').waitFor()
    await ada.page.getByTestId('composer-send').click()
    await bob.page.getByTestId('file-name').getByText(name).waitFor()
  }
  await attach(ada.page, { name: 'plan.png', mimeType: 'image/png', buffer: PICTURE })
  await ada.page.getByRole('switch', { name: 'Send as files' }).click()
  await ada.page.getByTestId('composer-send').click()
  const card = bob.page.locator('a[data-testid="message-file"]').filter({ hasText: 'plan.png' })
  await card.waitFor()
  const download = bob.page.waitForEvent('download')
  await card.click()
  const saved = await download
  expect(saved.suggestedFilename()).toBe('plan.png')
  expect(readFileSync(await saved.path()).equals(PICTURE)).toBe(true)
  await scene.shot(bob.page, 'files')
})

test('a voice message is recorded, has a waveform, and plays', async () => {
  const { ada, bob, id } = await talk()
  await ada.page.getByTestId('voice-record').click()
  await ada.page.getByTestId('voice-bar').waitFor()
  await until('two seconds are recorded', async () => (await ada.page.getByTestId('voice-bar').innerText()).includes('0:02'))
  await scene.shot(ada.page, 'recording')
  await ada.page.getByTestId('voice-send').click()
  const voice = bob.page.getByTestId('message-voice')
  await voice.waitFor()
  await expect.poll(() => conversation(bob.page, id).getByTestId('conversation-preview').innerText()).toContain('Voice message')
  await voice.getByTestId('voice-play').click()
  await voice.getByTestId('voice-rate').click()
  expect(await voice.locator('audio').evaluate(audio => (audio as HTMLAudioElement).playbackRate)).toBe(1.5)
  await expect.poll(() => voice.getByTestId('voice-rate').innerText()).toBe('1.5×')
  await until('it plays', () => voice.locator('audio').evaluate(audio => (audio as HTMLAudioElement).currentTime > 0.1))
  await scene.shot(bob.page, 'voice')
})

test('a video shows its beginning and plays', async () => {
  const { ada, bob } = await talk()
  const bytes = await ada.page.evaluate(async () => {
    const canvas = document.createElement('canvas')
    canvas.width = 320
    canvas.height = 180
    const context = canvas.getContext('2d')!
    const recorder = new MediaRecorder(canvas.captureStream(30), { mimeType: 'video/webm;codecs=vp8' })
    const parts: Blob[] = []
    recorder.ondataavailable = event => parts.push(event.data)
    recorder.start()
    for (let i = 0; i < 30; i++) {
      context.fillStyle = `hsl(${i * 12} 70% 50%)`
      context.fillRect(0, 0, 320, 180)
      await new Promise(resolve => requestAnimationFrame(resolve))
    }
    await new Promise((resolve) => { recorder.onstop = resolve; recorder.stop() })
    return [...new Uint8Array(await new Blob(parts).arrayBuffer())]
  })
  await attach(ada.page, { name: 'clip.webm', mimeType: 'video/webm', buffer: Buffer.from(bytes) })
  await ada.page.getByTestId('composer-send').click()
  const play = bob.page.getByTestId('video-play')
  await play.waitFor()
  await expect.poll(() => play.locator('img').getAttribute('src')).toMatch(/^data:image\/webp/)
  await scene.shot(bob.page, 'video')
  await play.click()
  await until('it plays', () => bob.page.getByTestId('message-video').evaluate(video => (video as HTMLVideoElement).currentTime > 0))
})

test('a large upload shows how far it is, survives a dead server and a reload, and can be given up', async () => {
  const { ada, bob } = await talk()
  const large = Buffer.alloc(40 << 20, 7)
  await ada.context.route('**/api/uploads/*', async (route) => {
    await new Promise(resolve => setTimeout(resolve, 300)) // slow enough to be cut
    await route.continue().catch(() => {})
  })
  await attach(ada.page, { name: 'large.bin', mimeType: 'application/octet-stream', buffer: large })
  await ada.page.getByTestId('composer-send').click()
  await ada.page.getByTestId('upload-cancel').waitFor()
  await scene.server.kill()
  await scene.server.start()
  await ada.page.reload()
  await ada.page.getByTestId('file-name').getByText('large.bin').waitFor()
  await bob.page.getByTestId('file-name').getByText('large.bin').waitFor({ timeout: 60_000 })
  const link = await bob.page.locator('a[data-testid="message-file"]').getAttribute('href')
  const size = await bob.page.evaluate(async url => (await (await fetch(url)).arrayBuffer()).byteLength, link!)
  expect(size).toBe(large.length)
  await expect.poll(() => bob.page.getByTestId('message').count()).toBe(1)

  await attach(ada.page, { name: 'never.bin', mimeType: 'application/octet-stream', buffer: large })
  await ada.page.getByTestId('composer-send').click()
  await ada.page.getByTestId('upload-cancel').click()
  await until('it is gone', async () => await ada.page.getByTestId('message').count() === 1)
}, 120_000)

test('what is attached without a network is sent once it is back', async () => {
  const { ada, bob } = await talk()
  await ada.context.setOffline(true)
  await attach(ada.page, { name: 'later.txt', mimeType: 'text/plain', buffer: Buffer.from('later') })
  await ada.page.getByTestId('composer-send').click()
  await ada.page.getByTestId('file-name').getByText('later.txt').waitFor()
  await ada.context.setOffline(false)
  await bob.page.getByTestId('file-name').getByText('later.txt').waitFor()
  await until('it is sent', async () => await ada.page.locator('[data-testid="message"][data-state="sending"]').count() === 0)
})

test('somebody\'s picture is seen by others, in lists and groups, and a group has its own', async () => {
  const ada = await scene.person('Ada')
  const bob = await scene.person('Bob')
  await ada.page.getByTestId('settings-open').click()
  await ada.page.getByTestId('avatar-file').setInputFiles({ name: 'me.png', mimeType: 'image/png', buffer: PICTURE })
  await ada.page.getByTestId('avatar-picture').first().waitFor()
  await scene.shot(ada.page, 'avatar')
  await openPrivate(bob.page, ada.user)
  const picture = bob.page.getByTestId('avatar-picture').first()
  await picture.waitFor()
  await until('it is shown', () => isShown(picture))
  await ada.page.getByTestId('avatar-remove').click()
  await ada.page.getByTestId('avatar-picture').first().waitFor({ state: 'detached' })
})
