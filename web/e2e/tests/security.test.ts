import { expect, test } from 'vitest'
import { PAYLOADS } from '../harness/payloads'
import { conversationWith, useScene } from '../harness/scene'
import { Wire } from '../harness/socket'
import { until } from '../harness/until'

const scene = useScene()

test(`${PAYLOADS.length} payloads in texts, nicknames and group names are text and nothing else`, async () => {
  expect(PAYLOADS.length).toBeGreaterThanOrEqual(60)
  const ada = await scene.person('Ada')
  await ada.page.evaluate(() => Object.assign(window, { __xss: undefined }))
  const short = PAYLOADS.filter(payload => [...payload].length <= 64 && !/[\n\t]/.test(payload))
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
  }, 45_000)
  expect(PAYLOADS.map((_, index) => shown.get(String(index + 1)))).toEqual(PAYLOADS)
  const hrefs = await ada.page.locator('[data-testid="message-text"] a').evaluateAll(links => links.map(link => link.getAttribute('href') ?? ''))
  expect(hrefs.filter(href => !/^(?:https?|mailto):/i.test(href))).toEqual([])
  expect(await ada.page.evaluate(() => (window as unknown as { __xss: unknown }).__xss)).toBeUndefined()
  expect(await ada.page.evaluate(() => document.querySelectorAll('[data-testid="message-text"] :is(img, script, iframe, svg, object, embed, style, form, input)').length)).toBe(0)
  wire.close()
}, 120_000)

test('the page comes with the policy that keeps others\' code out, and works under it', async () => {
  const answer = await fetch(`${scene.server.url}/`, { headers: { Accept: 'text/html' } })
  const policy = answer.headers.get('content-security-policy') ?? ''
  for (const directive of ['default-src \'none\'', 'script-src \'self\'', 'style-src \'self\'', 'object-src \'none\'', 'base-uri \'none\'', 'frame-ancestors \'none\'', 'require-trusted-types-for \'script\''])
    expect(policy).toContain(directive)
  expect(policy).not.toContain('unsafe')
  expect(answer.headers.get('cache-control')).toBe('no-cache')
  const html = await answer.text()
  const script = /src="(\/assets\/[^"]+\.js)"/.exec(html)![1]!
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
