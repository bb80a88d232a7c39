import { expect, test } from 'vitest'
import { openPrivate, useScene } from '../harness/scene'

const scene = useScene(() => Promise.resolve(['rtc.ring_s=5']))

test('a call that nobody answers stops ringing and stands in the conversation', async () => {
  const ada = await scene.person('Ada')
  const bob = await scene.person('Bob')
  await openPrivate(ada.page, bob.user)
  await openPrivate(bob.page, ada.user)
  await ada.page.getByTestId('call-audio').click()
  await bob.page.getByTestId('call-incoming').waitFor()
  await bob.page.getByTestId('call-incoming').waitFor({ state: 'detached' })
  await ada.page.getByText('Nobody answered.').waitFor()
  await expect.poll(() => ada.page.getByTestId('call-panel').count()).toBe(0)
  for (const { page } of [ada, bob]) await page.getByTestId('event').getByText('Voice call without an answer').waitFor()
  await scene.shot(bob.page, 'call-missed')
})
