import type { User } from '../harness/server'
import { expect, test } from 'vitest'
import { CRAFTED, PAYLOADS } from '../harness/payloads'
import { conversationWith, useScene } from '../harness/scene'
import { Wire } from '../harness/socket'
import { until } from '../harness/until'

const scene = useScene()

/** Names that turn text around are refused (protocol.md, "names"); texts may have what they like. */
const turnsAround = (name: string): boolean => /[\u202A-\u202E\u2066-\u2069]/.test(name)

test(`${PAYLOADS.length} payloads in texts, nicknames and group names are text and nothing else`, async () => {
  const ada = await scene.person('Ada')
  await ada.page.evaluate(() => Object.assign(window, { __xss: undefined }))
  const short = PAYLOADS.filter(payload => [...payload].length <= 64 && !/[\n\t]/.test(payload) && !turnsAround(payload))
  expect(short.length).toBeGreaterThanOrEqual(150)
  const bob = await scene.server.user('Bob')
  const wire = await Wire.open(scene.server, bob)
  await wire.send({ to: ada.user.user_id }, PAYLOADS)

  // Nicknames and group names: one after the other in the list, the header and the details.
  const group = await scene.server.group(bob, 'group', [ada.user])
  for (const payload of short) {
    await scene.server.call('PATCH', '/api/users/me', { nickname: payload }, bob.token).catch((error: unknown) => {
      if (!String(error).includes('400'))
        throw error
    })
    await scene.server.call('PATCH', `/api/groups/${group.group_id}`, { name: payload, announcement: payload, description: payload }, bob.token)
    await wire.send({ group_id: group.group_id }, [payload])
  }
  await ada.page.evaluate(() => localStorage.setItem('simpleim.details', 'true'))
  await ada.page.goto(`/c/${group.conversation_id}`)
  await ada.page.getByTestId('group-member').first().waitFor()
  await ada.page.getByTestId('message').first().waitFor()
  const last = short.at(-1)!
  await until('the last name is shown', async () => (await ada.page.getByTestId('chat-title').innerText()).trim() === last.trim())

  // Every text, scrolled through from the first to the last, is there as it was sent.
  await ada.page.goto(`/c/${conversationWith(ada.user, bob)}`)
  await ada.page.getByTestId('message').first().waitFor()
  const shown = new Map<string, string>()
  const list = ada.page.getByTestId('message-list')
  await until('all payloads were on the screen', async () => {
    const rows = await ada.page.getByTestId('message').evaluateAll(all => all.map(row => [row.getAttribute('data-seq') ?? '', row.querySelector('[data-testid="message-text"]')?.textContent ?? ''] as const))
    for (const [seq, text] of rows) shown.set(seq, text)
    await list.evaluate((element) => { element.scrollTop = element.scrollTop > element.scrollHeight - element.clientHeight - 4 ? 0 : element.scrollTop + 250 })
    return shown.size >= PAYLOADS.length
  }, 90_000)
  // Between backticks is code, shown without them.
  expect(PAYLOADS.map((_, index) => shown.get(String(index + 1)))).toEqual(PAYLOADS.map(payload => payload.replace(/^`(.*)`$/, '$1')))
  const hrefs = await ada.page.locator('[data-testid="message-text"] a').evaluateAll(links => links.map(link => link.getAttribute('href') ?? ''))
  expect(hrefs.filter(href => !/^(?:https?|mailto):/i.test(href))).toEqual([])
  expect(await ada.page.evaluate(() => (window as unknown as { __xss: unknown }).__xss)).toBeUndefined()
  expect(await ada.page.evaluate(() => document.querySelectorAll('[data-testid="message-text"] :is(img, script, iframe, svg, object, embed, style, form, input)').length)).toBe(0)
  wire.close()
}, 240_000)

async function upload(user: User, name: string, data: string): Promise<{ file_id: string, url: string, file_name: string, mime: string }> {
  const form = new FormData()
  form.append('file', new Blob([Buffer.from(data, 'latin1')]), name)
  const answer = await fetch(`${scene.server.url}/api/files`, { method: 'POST', body: form, headers: { Authorization: `Bearer ${user.token}` } })
  const body = await answer.json() as { code: number, data: { file_id: string, url: string, file_name: string, mime: string } }
  expect(body.code, JSON.stringify(body)).toBe(0)
  return body.data
}

test('hostile file names are names and nothing else', async () => {
  const ada = await scene.person('Ada')
  const names: string[] = []
  // Two users: one may not begin so many uploads in a minute.
  const bob = await scene.server.user('Bob')
  const cleo = await scene.server.user('Cleo')
  const group = await scene.server.group(bob, 'names', [ada.user, cleo])
  for (const [user, suffix] of [[bob, ''], [cleo, '.svg']] as const) {
    const wire = await Wire.open(scene.server, user)
    for (const payload of CRAFTED.filter(name => !turnsAround(name))) {
      const file = await upload(user, payload + suffix, 'nothing')
      await wire.post({ type: 7, group_id: group.group_id, content: { file_id: file.file_id } })
      names.push(file.file_name)
    }
    wire.close()
  }
  expect(names.length).toBeGreaterThanOrEqual(150)
  await ada.page.goto(`/c/${group.conversation_id}`)
  const shown = new Set<string>()
  const list = ada.page.getByTestId('message-list')
  await ada.page.getByTestId('file-name').first().waitFor()
  await until('all names were on the screen', async () => {
    for (const name of await ada.page.getByTestId('file-name').evaluateAll(all => all.map(element => element.textContent ?? ''))) shown.add(name.trim())
    await list.evaluate((element) => { element.scrollTop = element.scrollTop < 4 ? element.scrollHeight : element.scrollTop - 250 })
    return names.every(name => shown.has(name.trim()))
  }, 60_000)
  expect(await ada.page.evaluate(() => (window as unknown as { __xss: unknown }).__xss)).toBeUndefined()
}, 180_000)

test('a picture or page that carries code runs nothing when it is opened', async () => {
  const code = 'document.title="ran";window.__xss=1'
  const files = {
    'evil.svg': `<svg xmlns="http://www.w3.org/2000/svg" onload="${code.replaceAll('"', '\'')}"><script>${code}</script></svg>`,
    'evil.html': `<!doctype html><title>x</title><script>${code}</script>`,
    'evil.xhtml': `<html xmlns="http://www.w3.org/1999/xhtml"><head><title>x</title><script>${code}</script></head></html>`,
    'evil.xml': `<?xml version="1.0"?><x xmlns:h="http://www.w3.org/1999/xhtml"><h:script>${code}</h:script></x>`,
    'evil.gif': `GIF89a/*<html><script>${code}</script>*/=1;${code}`,
    'evil.png': `\x89PNG\r\n\x1A\n<html><script>${code}</script>`,
    'evil.txt': `<html><script>${code}</script></html>`,
    'evil.pdf': `%PDF-1.4\n1 0 obj<</OpenAction<</S/JavaScript/JS(${code})>>>>endobj\n<html><script>${code}</script>`,
    'evil.js': code,
    'evil': `<script>${code}</script>`,
  }
  const ada = await scene.person('Ada')
  for (const [name, data] of Object.entries(files)) {
    const file = await upload(ada.user, name, data)
    const page = await ada.context.newPage()
    const download = page.waitForEvent('download', { timeout: 5000 }).then(() => true, () => false)
    const opened = await page.goto(file.url).then(() => true, () => false)
    const ran = await page.evaluate(() => document.title === 'ran' || '__xss' in window)
    expect({ name, ran }).toEqual({ name, ran: false })
    expect(opened || await download, `${name} is shown or saved`).toBe(true)
    await page.close()
  }
})

test('the page comes with the policy that keeps others\' code out, and works under it', async () => {
  const answer = await fetch(`${scene.server.url}/`, { headers: { Accept: 'text/html' } })
  const policy = answer.headers.get('content-security-policy') ?? ''
  for (const directive of ['default-src \'none\'', 'script-src \'self\'', 'style-src \'self\'', 'object-src \'none\'', 'base-uri \'self\'', 'frame-ancestors \'none\'', 'require-trusted-types-for \'script\''])
    expect(policy).toContain(directive)
  expect(policy).not.toContain('unsafe')
  expect(answer.headers.get('cache-control')).toBe('no-cache')
  const html = await answer.text()
  const script = /src="\.(\/assets\/[^"]+\.js)"/.exec(html)![1]!
  const asset = await fetch(scene.server.url + script, { headers: { 'Accept-Encoding': 'br' } })
  expect(asset.headers.get('cache-control')).toBe('public, max-age=31536000, immutable')
  expect(asset.headers.get('content-encoding')).toBe('br')
  expect((await fetch(`${scene.server.url}/assets/none.js`, { headers: { Accept: 'text/html' } })).status).toBe(404)
  expect((await fetch(`${scene.server.url}/api/none`, { headers: { Accept: 'text/html' } })).headers.get('content-type')).toContain('json')
  expect((await fetch(`${scene.server.url}/settings/profile`, { headers: { Accept: 'text/html' } })).headers.get('content-type')).toContain('text/html')
  // The policy itself reports: a script from a string is refused.
  const ada = await scene.person('Ada')
  await ada.page.evaluate(() => {
    try {
      const script = document.createElement('script')
      script.textContent = 'window.__xss = 1'
      document.head.append(script)
    }
    catch {
      // refused before it was even added
    }
  })
  expect(await ada.page.evaluate(() => (window as unknown as { __xss: unknown }).__xss)).toBeUndefined()
  ada.sins.violations.length = 0
})
