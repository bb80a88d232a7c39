import { expect, test } from 'vitest'
import { bubble, openPrivate, say, texts, useScene } from '../harness/scene'
import { until } from '../harness/until'

const scene = useScene()

test('the Enter that ends an input method\'s word does not send', async () => {
  const ada = await scene.person('Ada', { locale: 'zh-CN' })
  await openPrivate(ada.page, await scene.server.user('韩梅梅'))
  const input = ada.page.getByTestId('composer-input')
  await input.focus()
  const cdp = await ada.context.newCDPSession(ada.page)
  await cdp.send('Input.imeSetComposition', { text: 'nihao', selectionStart: 5, selectionEnd: 5 })
  expect(await input.inputValue()).toBe('nihao')
  await cdp.send('Input.dispatchKeyEvent', { type: 'keyDown', key: 'Enter', code: 'Enter', windowsVirtualKeyCode: 229 })
  await cdp.send('Input.insertText', { text: '你好' })
  expect(await input.inputValue()).toBe('你好')
  expect(await ada.page.getByTestId('message').count()).toBe(0)
  await input.press('Enter')
  await bubble(ada.page, '你好').waitFor()
  expect(await input.inputValue()).toBe('')
})

test('Shift and Enter breaks the line, an empty message is not sent', async () => {
  const ada = await scene.person('Ada')
  await openPrivate(ada.page, await scene.server.user('Bob'))
  const input = ada.page.getByTestId('composer-input')
  await input.press('Enter')
  await input.fill('   ')
  await input.press('Enter')
  expect(await ada.page.getByTestId('composer-send').isDisabled()).toBe(true)
  await input.fill('one')
  await input.press('Shift+Enter')
  await input.pressSequentially('two')
  await input.press('Enter')
  await until('one message of two lines', async () => (await texts(ada.page))[0] === 'one\ntwo')
  expect(await texts(ada.page)).toHaveLength(1)
})

test('each conversation keeps its draft, also over a reload, and shows it in the list', async () => {
  const ada = await scene.person('Ada')
  const [bob, eve] = [await scene.server.user('Bob'), await scene.server.user('Eve')]
  await openPrivate(ada.page, bob)
  await ada.page.getByTestId('composer-input').fill('for Bob')
  await openPrivate(ada.page, eve)
  expect(await ada.page.getByTestId('composer-input').inputValue()).toBe('')
  await ada.page.getByTestId('conversation').filter({ hasText: 'Draft: for Bob' }).waitFor()
  await ada.page.reload()
  await ada.page.getByTestId('conversation').filter({ hasText: 'Draft: for Bob' }).click()
  expect(await ada.page.getByTestId('composer-input').inputValue()).toBe('for Bob')
})

test('a text that is too long says by how much, and is not sent', async () => {
  const ada = await scene.person('Ada')
  await openPrivate(ada.page, await scene.server.user('Bob'))
  await ada.page.getByTestId('composer-input').fill('x'.repeat(20_003))
  expect(await ada.page.getByTestId('composer-left').innerText()).toContain('3 characters too many')
  expect(await ada.page.getByTestId('composer-send').isDisabled()).toBe(true)
  await ada.page.getByTestId('composer-input').fill('😀'.repeat(20_000))
  expect(await ada.page.getByTestId('composer-send').isEnabled()).toBe(true)
  await ada.page.getByTestId('composer-input').press('Enter')
  await ada.page.getByTestId('message').waitFor()
})

test('an emoji is found and put where the caret is', async () => {
  const ada = await scene.person('Ada')
  await openPrivate(ada.page, await scene.server.user('Bob'))
  await ada.page.getByTestId('composer-input').fill('hot ')
  await ada.page.getByTestId('emoji-open').click()
  await ada.page.getByTestId('emoji-panel').getByRole('searchbox').fill('fire')
  await ada.page.getByTestId('emoji-panel').getByRole('button', { name: 'fire', exact: true }).click()
  await until('it is in the text', async () => await ada.page.getByTestId('composer-input').inputValue() === 'hot 🔥')
})

test('"@" in a group offers its members, and mentions the chosen one', async () => {
  const bob = await scene.server.user('Bob Marley')
  const ada = await scene.person('Ada')
  const group = await scene.server.group(ada.user, 'Band', [bob])
  await ada.page.locator(`[data-conversation-id="${group.conversation_id}"]`).click()
  const other = await scene.person(bob)
  const input = ada.page.getByTestId('composer-input')
  await input.pressSequentially('play it @bo')
  await ada.page.getByTestId('mention-option').getByText('Bob Marley').waitFor()
  await input.press('Enter')
  expect(await input.inputValue()).toBe('play it @Bob Marley ')
  await input.press('Enter')
  await bubble(ada.page, 'play it @Bob Marley').waitFor()
  await other.page.locator(`[data-conversation-id="${group.conversation_id}"]`).getByText('You were mentioned').waitFor({ state: 'attached' })
})

test('links are links, and nothing else is', async () => {
  const ada = await scene.person('Ada')
  await openPrivate(ada.page, await scene.server.user('Bob'))
  await say(ada.page, 'see https://example.org/路径?q=1, mail a@example.org, not javascript:alert(1) or data:text/html,x')
  const message = ada.page.getByTestId('message')
  await message.waitFor()
  expect(await message.locator('a').evaluateAll(links => links.map(link => link.getAttribute('href')))).toEqual(['https://example.org/路径?q=1', 'mailto:a@example.org'])
  expect(await message.locator('a').first().getAttribute('rel')).toContain('noopener')
})
