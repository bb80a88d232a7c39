import type { Person } from '../harness/scene'
import { expect, test } from 'vitest'
import { axe } from '../harness/axe'
import { plays, sounds } from '../harness/calls'
import { openPrivate, useScene } from '../harness/scene'

const scene = useScene()

async function two(): Promise<{ ada: Person, bob: Person }> {
  const ada = await scene.person('Ada')
  const bob = await scene.person('Bob')
  await openPrivate(ada.page, bob.user)
  await openPrivate(bob.page, ada.user)
  return { ada, bob }
}

test('a video call: both see and hear the other one, switch things off and on, and hang up', async () => {
  const { ada, bob } = await two()
  await ada.page.getByTestId('call-video').click()
  await bob.page.getByTestId('call-incoming').waitFor()
  await axe(bob.page, 'incoming call')
  await scene.shot(bob.page, 'call-incoming')
  await bob.page.getByTestId('call-accept-video').click()
  for (const { page } of [ada, bob]) {
    await page.locator('[data-testid="call-panel"][data-phase="connected"]').waitFor()
    await plays(page.getByTestId('call-theirs'))
    expect(await sounds(page.getByTestId('call-theirs'))).toBe(true)
  }
  await axe(ada.page, 'call')
  await scene.shot(ada.page, 'call')
  await ada.page.getByTestId('call-microphone').click()
  await bob.page.getByTestId('call-they-are-muted').waitFor()
  await ada.page.getByTestId('call-microphone').click()
  await bob.page.getByTestId('call-they-are-muted').waitFor({ state: 'detached' })
  await ada.page.getByTestId('call-camera').click()
  await bob.page.getByTestId('call-theirs').waitFor({ state: 'hidden' })
  await ada.page.getByTestId('call-camera').click()
  await bob.page.getByTestId('call-theirs').waitFor()
  await plays(bob.page.getByTestId('call-theirs'))
  await ada.page.getByTestId('call-devices').click()
  await ada.page.getByTestId('call-device-video').last().click()
  await plays(bob.page.getByTestId('call-theirs'))
  await bob.page.getByTestId('call-size').click()
  await axe(bob.page, 'small call')
  await scene.shot(bob.page, 'call-small')
  await bob.page.getByTestId('call-hang-up').click()
  await ada.page.getByTestId('call-panel').waitFor({ state: 'detached' })
  await ada.page.getByTestId('event').getByText('Video call, 0:').waitFor()
  await bob.page.getByTestId('event').getByText('Video call, 0:').waitFor()
})

test('a voice call: refused, withdrawn, and answered in another tab', async () => {
  const { ada, bob } = await two()
  await ada.page.getByTestId('call-audio').click()
  await bob.page.getByTestId('call-decline').click()
  await ada.page.getByText('Your call was declined.').waitFor()
  await ada.page.getByTestId('call-audio').click()
  await bob.page.getByTestId('call-incoming').waitFor()
  await ada.page.getByTestId('call-hang-up').click()
  await bob.page.getByTestId('call-incoming').waitFor({ state: 'detached' })
  const second = await bob.context.newPage()
  await second.goto('/')
  await second.getByTestId('conversation-list').waitFor()
  await ada.page.getByTestId('call-audio').click()
  await bob.page.getByTestId('call-incoming').waitFor()
  await second.getByTestId('call-accept').click()
  await bob.page.getByTestId('call-incoming').waitFor({ state: 'detached' })
  expect(await bob.page.getByTestId('call-panel').count()).toBe(0)
  await second.locator('[data-testid="call-panel"][data-phase="connected"]').waitFor()
  expect(await sounds(ada.page.getByTestId('call-theirs'))).toBe(true)
  await second.getByTestId('call-camera').click()
  await ada.page.getByTestId('call-theirs').waitFor()
  await plays(ada.page.getByTestId('call-theirs'))
  await second.close()
})

test('a call from a phone', async () => {
  const ada = await scene.person('Ada', { viewport: { width: 360, height: 720 }, hasTouch: true, isMobile: true })
  const bob = await scene.person('Bob')
  await openPrivate(ada.page, bob.user)
  await axe(ada.page, 'conversation on a phone')
  await ada.page.getByTestId('call-menu').click()
  await ada.page.getByTestId('call-menu-video').click()
  await bob.page.getByTestId('call-accept-video').click()
  await ada.page.locator('[data-testid="call-panel"][data-phase="connected"]').waitFor()
  await plays(ada.page.getByTestId('call-theirs'))
  await axe(ada.page, 'call on a phone')
  await scene.shot(ada.page, 'call-phone')
  await ada.page.getByTestId('call-hang-up').click()
  await bob.page.getByTestId('call-panel').waitFor({ state: 'detached' })
  await scene.shot(ada.page, 'call-phone-after')
})
