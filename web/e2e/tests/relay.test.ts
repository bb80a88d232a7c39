import { afterAll, expect, test } from 'vitest'
import { plays, sounds } from '../harness/calls'
import { openPrivate, useScene } from '../harness/scene'
import { TurnServer } from '../harness/turn'

const relay = new TurnServer()
const scene = useScene(() => relay.start())
afterAll(() => relay.stop())

test('a call that goes through the relay only, and finds its way again', async () => {
  const ada = await scene.person('Ada')
  const bob = await scene.person('Bob')
  for (const { page } of [ada, bob]) {
    await page.goto('/settings/calls')
    await page.getByTestId('settings-relay').getByRole('switch').click()
    await expect.poll(() => page.getByTestId('settings-no-relay').count()).toBe(0)
    await page.goto('/')
  }
  await openPrivate(ada.page, bob.user)
  await ada.page.getByTestId('call-video').click()
  await bob.page.getByTestId('call-accept-video').click()
  for (const { page } of [ada, bob]) {
    await page.locator('[data-testid="call-panel"][data-phase="connected"]').waitFor()
    await plays(page.getByTestId('call-theirs'))
    await expect.poll(() => sounds(page.getByTestId('call-theirs'))).toBe(true)
  }
  expect(relay.allocations).toBeGreaterThanOrEqual(2)

  // A weak line is told to both, until it is well again.
  const well = relay.struggle()
  for (const { page } of [ada, bob]) await page.getByTestId('call-weak').waitFor({ timeout: 30_000 })
  await scene.shot(bob.page, 'call-weak')
  well()
  for (const { page } of [ada, bob]) {
    await page.getByTestId('call-weak').waitFor({ state: 'detached', timeout: 30_000 })
    await plays(page.getByTestId('call-theirs'))
  }

  // The way between the two is gone, and comes back.
  await relay.kill()
  for (const { page } of [ada, bob]) await page.locator('[data-testid="call-panel"][data-phase="reconnecting"]').waitFor({ timeout: 30_000 })
  await relay.start()
  for (const { page } of [ada, bob]) {
    await page.locator('[data-testid="call-panel"][data-phase="connected"]').waitFor({ timeout: 30_000 })
    await plays(page.getByTestId('call-theirs'))
  }
  await ada.page.getByTestId('call-hangup').click()
}, 180_000)
