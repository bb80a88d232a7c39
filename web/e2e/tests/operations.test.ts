import type { Locator, Page } from 'playwright-core'
import type { Person } from '../harness/scene'
import { expect, test } from 'vitest'
import { bubble, conversation, conversationWith, openPrivate, say, useScene } from '../harness/scene'
import { until } from '../harness/until'

const scene = useScene()

/** Two people with their conversation open on both screens. */
async function talk(): Promise<{ ada: Person, bob: Person, id: string }> {
  const ada = await scene.person('Ada')
  const bob = await scene.person('Bob')
  await openPrivate(ada.page, bob.user)
  await openPrivate(bob.page, ada.user)
  return { ada, bob, id: conversationWith(ada.user, bob.user) }
}

/** Chooses in the menu of a message. */
async function act(page: Page, message: Locator, item: string): Promise<void> {
  await message.hover()
  await message.getByTestId('message-menu').click()
  await page.getByTestId(item).click()
}

const stored = (message: Locator) => message.and(message.page().locator('[data-state="sent"], [data-state="delivered"], [data-state="read"]'))

test('a recalled message goes from both screens and lists, and can be written again', async () => {
  const { ada, bob, id } = await talk()
  await say(ada.page, 'not for you')
  await bubble(bob.page, 'not for you').waitFor()
  await act(ada.page, stored(bubble(ada.page, 'not for you')), 'menu-recall')
  await ada.page.getByTestId('confirm').click()
  await bob.page.getByTestId('message-recalled').waitFor()
  expect(await bob.page.getByTestId('message-recalled').innerText()).toContain('Ada recalled a message')
  expect(await bob.page.content()).not.toContain('not for you')
  await until('the list follows', async () => (await conversation(bob.page, id).getByTestId('conversation-preview').innerText()).includes('recalled'))
  await scene.shot(ada.page, 'recalled')
  await ada.page.getByTestId('message-rewrite').click()
  expect(await ada.page.getByTestId('composer-input').inputValue()).toBe('not for you')
  await bob.page.reload()
  await bob.page.getByTestId('message-recalled').waitFor()
})

test('an edit replaces the text everywhere, also on a screen that was away', async () => {
  const { ada, bob } = await talk()
  await say(ada.page, 'see you at noon')
  await bubble(bob.page, 'see you at noon').waitFor()
  await bob.context.setOffline(true)
  await act(ada.page, stored(bubble(ada.page, 'see you at noon')), 'menu-edit')
  await ada.page.getByTestId('composer-context').waitFor()
  expect(await ada.page.getByTestId('composer-input').inputValue()).toBe('see you at noon')
  await scene.shot(ada.page, 'editing')
  await say(ada.page, 'see you at one')
  await bubble(ada.page, 'see you at one').waitFor()
  expect(await ada.page.getByTestId('message').count()).toBe(1)
  await ada.page.getByTestId('message-edited').waitFor()
  await bob.context.setOffline(false)
  await bubble(bob.page, 'see you at one').waitFor()
  expect(await bob.page.getByTestId('message').count()).toBe(1)
  expect(await bob.page.getByTestId('message-edited').innerText()).toBe('edited')
})

test('a draft survives an edit that is given up', async () => {
  const { ada } = await talk()
  await say(ada.page, 'first')
  await act(ada.page, stored(bubble(ada.page, 'first')), 'menu-edit')
  await ada.page.getByTestId('composer-input').press('Escape')
  await ada.page.getByTestId('composer-context').waitFor({ state: 'detached' })
  expect(await ada.page.getByTestId('composer-input').inputValue()).toBe('')
  await bubble(ada.page, 'first').waitFor()
})

test('an answer quotes what it answers, and leads there', async () => {
  const { ada, bob } = await talk()
  await say(ada.page, 'which of these?')
  for (let i = 0; i < 40; i++) await say(ada.page, `line ${i}`)
  await bubble(bob.page, 'line 39').waitFor()
  await bob.page.getByTestId('message-list').hover()
  await until('the first is there', async () => {
    await bob.page.mouse.wheel(0, -3000)
    return await bubble(bob.page, 'which of these?').isVisible()
  })
  await act(bob.page, bubble(bob.page, 'which of these?'), 'menu-reply')
  await say(bob.page, 'the second')
  const answer = bubble(ada.page, 'the second')
  await answer.waitFor()
  const quote = answer.getByTestId('reply-quote')
  expect(await quote.innerText()).toContain('which of these?')
  await scene.shot(ada.page, 'reply')
  await quote.click()
  await until('the question is on the screen', async () => await bubble(ada.page, 'which of these?').isVisible())
})

test('reactions are counted, named, and taken back', async () => {
  const { ada, bob } = await talk()
  await say(ada.page, 'we won')
  const seen = bubble(bob.page, 'we won')
  await seen.waitFor()
  await act(bob.page, seen, 'menu-react')
  await bob.page.getByTestId('reaction-picker').locator('[data-emoji="🎉"]').click()
  const chip = bubble(ada.page, 'we won').locator('[data-testid="reaction"][data-emoji="🎉"]')
  await chip.waitFor()
  expect(await chip.getAttribute('title')).toBe('Bob')
  await chip.click()
  await bob.page.locator('[data-testid="reaction"][data-count="2"]').waitFor()
  await scene.shot(bob.page, 'reactions')
  await seen.getByTestId('reaction').click()
  await ada.page.locator('[data-testid="reaction"][data-count="1"]').waitFor()
  await ada.page.reload()
  await ada.page.locator('[data-testid="reaction"][data-count="1"][aria-pressed="true"]').waitFor()
})

test('what is done without a network is done once it is back', async () => {
  const { ada, bob } = await talk()
  await say(ada.page, 'hold')
  await bubble(bob.page, 'hold').waitFor()
  await stored(bubble(ada.page, 'hold')).waitFor()
  await ada.context.setOffline(true)
  await act(ada.page, bubble(ada.page, 'hold'), 'menu-react')
  await ada.page.getByTestId('reaction-picker').locator('[data-emoji="👍"]').click()
  await ada.page.getByTestId('reaction').waitFor() // at once, on this screen
  await ada.context.setOffline(false)
  await bob.page.locator('[data-testid="reaction"][data-count="1"]').waitFor()
})

test('a pinned message stands above the conversation for both, until it is unpinned', async () => {
  const { ada, bob } = await talk()
  await say(ada.page, 'the address is 5 Main Street')
  await bubble(bob.page, 'the address is 5 Main Street').waitFor()
  await act(bob.page, bubble(bob.page, 'the address is 5 Main Street'), 'menu-pin')
  await ada.page.getByTestId('pin-bar').waitFor()
  expect(await ada.page.getByTestId('pin-text').innerText()).toBe('the address is 5 Main Street')
  await scene.shot(ada.page, 'pinned')
  await ada.page.reload()
  await ada.page.getByTestId('pin-bar').waitFor()
  await act(ada.page, bubble(ada.page, 'the address is 5 Main Street'), 'menu-pin')
  await bob.page.getByTestId('pin-bar').waitFor({ state: 'detached' })
})

test('a forwarded message says where it came from', async () => {
  const { ada, bob } = await talk()
  const cleo = await scene.person('Cleo')
  await openPrivate(ada.page, cleo.user)
  await say(ada.page, 'hi Cleo')
  await bubble(cleo.page, 'hi Cleo').waitFor({ state: 'detached' }).catch(() => {})
  await openPrivate(ada.page, bob.user)
  await say(bob.page, 'meeting moved to five')
  await act(ada.page, bubble(ada.page, 'meeting moved to five'), 'menu-forward')
  await ada.page.locator(`[data-testid="forward-target"][data-conversation-id="${conversationWith(ada.user, cleo.user)}"]`).click()
  await scene.shot(ada.page, 'forward')
  await ada.page.getByTestId('forward-submit').click()
  await conversation(cleo.page, conversationWith(ada.user, cleo.user)).click()
  const copy = bubble(cleo.page, 'meeting moved to five')
  await copy.waitFor()
  expect(await copy.innerText()).toContain('Forwarded from Bob')
})

test('an operation that comes too late says so and leaves all as it was', async () => {
  const { ada, bob } = await talk()
  await say(ada.page, 'gone in a moment')
  await bubble(bob.page, 'gone in a moment').waitFor()
  await bob.context.setOffline(true)
  await act(ada.page, stored(bubble(ada.page, 'gone in a moment')), 'menu-recall')
  await ada.page.getByTestId('confirm').click()
  await ada.page.getByTestId('message-recalled').waitFor()
  await act(bob.page, bubble(bob.page, 'gone in a moment'), 'menu-react')
  await bob.page.getByTestId('reaction-picker').locator('[data-emoji="👍"]').click()
  await bob.context.setOffline(false)
  await bob.page.getByTestId('toast').waitFor()
  await bob.page.getByTestId('message-recalled').waitFor()
  expect(await bob.page.getByTestId('reaction').count()).toBe(0)
})
