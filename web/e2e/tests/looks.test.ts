import type { BrowserContextOptions } from 'playwright-core'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { axe } from '../harness/axe'
import { bubble, conversationWith, openPrivate, say, useScene } from '../harness/scene'
import { Wire } from '../harness/socket'
import { until } from '../harness/until'

const scene = useScene()

const looks: [string, BrowserContextOptions][] = [
  ['light', { colorScheme: 'light' }],
  ['dark', { colorScheme: 'dark' }],
  ['phone', { colorScheme: 'light', viewport: { width: 360, height: 720 }, hasTouch: true, isMobile: true }],
  ['phone-dark-zh', { colorScheme: 'dark', locale: 'zh-CN', viewport: { width: 360, height: 720 }, hasTouch: true, isMobile: true }],
]

test.each(looks)('every view is in order: %s', async (name, options) => {
  const isPhone = name.startsWith('phone')
  const visitor = await scene.visitor(await scene.server.user('Nobody'), options)
  await visitor.page.goto('/')
  await visitor.page.getByTestId('login-submit').waitFor()
  await axe(visitor.page, 'sign in')
  await scene.shot(visitor.page, `login-${name}`)
  await visitor.page.getByTestId('login-toggle').click()
  await visitor.page.getByTestId('login-password').fill('violet Orchard')
  await visitor.page.getByTestId('login-submit').click()
  await axe(visitor.page, 'register, with errors')
  await scene.shot(visitor.page, `register-${name}`)

  const zh = name.endsWith('zh')
  const ada = await scene.person(zh ? '林清玄' : 'Ada Lovelace', options)
  await axe(ada.page, 'no conversations')
  await scene.shot(ada.page, `empty-${name}`)
  const bob = await scene.server.user(zh ? '李雷' : 'Bob Marley')
  const grace = await scene.server.user(zh ? '韩梅梅' : 'Grace Hopper')
  const wire = await Wire.open(scene.server, bob)
  await wire.send({ to: ada.user.user_id }, zh ? ['你好！', '周五的排练改到七点，可以吗？', '地点不变：https://example.org/地图'] : ['Hi Ada!', 'Rehearsal moves to seven on Friday, is that fine with you?', 'Same place: https://example.org/map'])
  const group = await scene.server.group(ada.user, zh ? '周末野餐' : 'Weekend picnic', [bob, grace])
  const graces = await Wire.open(scene.server, grace)
  await graces.send({ group_id: group.group_id }, zh ? ['我带蛋糕 🍰', '谁带果汁？'] : ['I bring cake 🍰', 'Who brings juice?'])
  await until('both are listed', async () => await ada.page.getByTestId('unread-badge').count() === 2)
  await axe(ada.page, 'the list')
  await scene.shot(ada.page, `list-${name}`)
  await ada.page.locator(`[data-conversation-id="${conversationWith(ada.user, bob)}"]`).click()
  await say(ada.page, zh ? '可以，到时候见！' : 'Fine, see you there!')
  await bubble(ada.page, zh ? '可以，到时候见！' : 'Fine, see you there!').and(ada.page.locator('[data-state="delivered"], [data-state="sent"]')).waitFor()
  await axe(ada.page, 'a conversation')
  await scene.shot(ada.page, `chat-${name}`)
  await ada.page.goto(`/c/${group.conversation_id}`)
  await bubble(ada.page, zh ? '谁带果汁？' : 'Who brings juice?').waitFor()
  await say(ada.page, zh ? '我来带' : 'I do')
  await ada.page.getByTestId('read-count').waitFor()
  await axe(ada.page, 'a group')
  await scene.shot(ada.page, `group-${name}`)
  await ada.page.getByTestId('details-open').click()
  await ada.page.getByTestId('group-member').first().waitFor()
  await axe(ada.page, 'details')
  await scene.shot(ada.page, `details-${name}`)
  await ada.page.getByTestId('group-edit').click()
  await ada.page.getByTestId('group-edit-name').waitFor()
  await axe(ada.page, 'a dialog')
  await scene.shot(ada.page, `dialog-${name}`)
  await ada.page.keyboard.press('Escape')
  if (!isPhone) {
    await ada.page.getByTestId('emoji-open').click()
    await ada.page.getByRole('button', { name: /grin/ }).first().waitFor()
    await axe(ada.page, 'emoji')
    await scene.shot(ada.page, `emoji-${name}`)
  }
  for (const path of ['/group/new', '/join', `/group/${group.group_id}`]) {
    await ada.page.goto(path)
    await ada.page.getByTestId('back').waitFor()
    await axe(ada.page, path)
    await scene.shot(ada.page, `${path.split('_')[0]!.slice(1).replaceAll('/', '-')}-${name}`)
  }
  for (const section of ['profile', 'password', 'sessions', 'notifications', 'calls', 'appearance', 'shortcuts', 'storage', 'about']) {
    await ada.page.goto(`/settings/${section}`)
    await ada.page.locator('main h2').waitFor()
    await axe(ada.page, `settings: ${section}`)
    await scene.shot(ada.page, `settings-${section}-${name}`)
  }
  const overflow = await ada.page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
  expect(overflow).toBeLessThanOrEqual(0)
  wire.close()
  graces.close()
}, 180_000)

test('everything is reached by the keyboard alone', async () => {
  const bob = await scene.server.user('Bob')
  const ada = await scene.server.user('Ada')
  const { page } = await scene.visitor(ada)
  await page.goto('/')
  await until('the name field has the focus', () => page.evaluate(() => document.activeElement?.getAttribute('data-testid') === 'login-username'))
  await page.keyboard.type(ada.username)
  await page.keyboard.press('Tab')
  await page.keyboard.type(ada.password)
  await page.keyboard.press('Enter')
  await page.getByTestId('conversation-list').waitFor()
  await page.keyboard.press('Control+k')
  await page.keyboard.type(bob.username)
  await page.getByTestId('user-result').waitFor()
  await page.keyboard.press('Enter')
  await page.getByTestId('composer-input').waitFor()
  await until('the composer has the focus', () => page.evaluate(() => document.activeElement?.getAttribute('data-testid') === 'composer-input'))
  await page.keyboard.type('typed without a mouse')
  await page.keyboard.press('Enter')
  await bubble(page, 'typed without a mouse').waitFor()

  // A menu opens, moves, closes, and gives the focus back.
  await page.getByTestId('account-menu').focus()
  await page.keyboard.press('Enter')
  await page.getByRole('menuitem').first().waitFor()
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('Escape')
  await until('the focus is back', () => page.evaluate(() => document.activeElement?.getAttribute('data-testid') === 'account-menu'))

  // A dialog keeps the focus.
  await page.keyboard.press('Control+/')
  await page.getByRole('dialog').waitFor()
  for (let i = 0; i < 5; i++) await page.keyboard.press('Tab')
  expect(await page.evaluate(() => document.querySelector('[role=dialog]')?.contains(document.activeElement))).toBe(true)
  await page.keyboard.press('Escape')
  await page.getByRole('dialog').waitFor({ state: 'detached' })

  // Every stop of the Tab key can be seen and has a name.
  await page.getByTestId('account-menu').focus()
  const nameless: string[] = []
  for (let i = 0; i < 20; i++) {
    await page.keyboard.press('Tab')
    const stop = await page.evaluate(() => {
      const element = document.activeElement as HTMLElement
      const name = element.getAttribute('aria-label') ?? element.textContent ?? ''
      const style = getComputedStyle(element)
      return { name: name.trim(), tag: element.outerHTML.slice(0, 120), ring: style.outlineStyle !== 'none' || element.closest('.field, .box, .search') !== null || element === document.body }
    })
    if (!stop.ring || (!stop.name && !stop.tag.startsWith('<body')))
      nameless.push(stop.tag)
  }
  expect(nameless).toEqual([])
  await openPrivate(page, await scene.server.user('Eve'))
  await page.keyboard.press('Alt+ArrowDown')
  await page.getByTestId('chat-title').getByText('Bob').waitFor()
})

test('new messages are told to screen readers', async () => {
  const ada = await scene.person('Ada')
  const bob = await scene.server.user('Bob')
  const wire = await Wire.open(scene.server, bob)
  await wire.send({ to: ada.user.user_id }, ['first'])
  await ada.page.getByTestId('conversation').click()
  await bubble(ada.page, 'first').waitFor()
  await wire.send({ to: ada.user.user_id }, ['second'])
  await until('it is announced', async () => await ada.page.getByTestId('live-region').innerText() === 'Bob: second')
  wire.close()
})

test('at 200 % zoom nothing is cut off', async () => {
  // Twice the size of everything is half the window.
  const ada = await scene.person('Ada', { viewport: { width: 640, height: 400 }, deviceScaleFactor: 2 })
  await openPrivate(ada.page, await scene.server.user('Bob'))
  await say(ada.page, 'large')
  await bubble(ada.page, 'large').waitFor()
  for (const id of ['composer-input', 'composer-send', 'details-open', 'back']) {
    const box = await ada.page.getByTestId(id).boundingBox()
    expect(box && box.x >= 0 && box.y >= 0 && box.x + box.width <= 640 && box.y + box.height <= 400, id).toBe(true)
  }
})

test('every icon that is named has its picture in the style sheets', () => {
  const app = join(import.meta.dirname, '../../app')
  const texts = (folder: string, ends: RegExp) => readdirSync(join(app, folder), { recursive: true, encoding: 'utf8' }).filter(name => ends.test(name)).map(name => readFileSync(join(app, folder, name), 'utf8')).join('\n')
  const styles = texts('dist/assets', /\.css$/)
  const icons = new Set(texts('src', /\.(?:ts|vue)$/).match(/i-lucide-[a-z0-9-]+/g))
  expect(icons.size).toBeGreaterThan(50)
  expect([...icons].filter(icon => !styles.includes(`.${icon}{`) && !styles.includes(`.${icon},`))).toEqual([])
})
