import type { Devices } from '../harness/calls'
import type { Person } from '../harness/scene'
import { expect, test } from 'vitest'
import { axe } from '../harness/axe'
import { goAway, plays, remember, sounds } from '../harness/calls'
import { openPrivate, useScene } from '../harness/scene'

const scene = useScene()

async function two(): Promise<{ ada: Person, bob: Person }> {
  const ada = await scene.person('Ada')
  const bob = await scene.person('Bob')
  await openPrivate(ada.page, bob.user)
  await openPrivate(bob.page, ada.user)
  return { ada, bob }
}

/** The next microphone or offer comes when `window.release()` is called; its promise is over when the page has acted on it. */
async function hold(page: Person['page'], what: 'microphone' | 'offer'): Promise<void> {
  await page.evaluate((what) => {
    const [owner, name] = what === 'microphone'
      ? [navigator.mediaDevices, 'getUserMedia'] as const
      : [RTCPeerConnection.prototype, 'setLocalDescription'] as const
    const real = owner[name as never] as (...given: unknown[]) => Promise<unknown>
    Object.assign(owner, {
      [name](...given: unknown[]) {
        Object.assign(owner, { [name]: real })
        return new Promise((resolve, reject) => {
          Object.assign(window, {
            release: async () => {
              await real.apply(this, given).then(resolve, reject)
              await new Promise(later => setTimeout(later))
            },
          })
        })
      },
    })
  }, what)
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
    await expect.poll(() => sounds(page.getByTestId('call-theirs'))).toBe(true)
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
  await bob.page.getByTestId('call-hangup').click()
  await ada.page.getByTestId('call-panel').waitFor({ state: 'detached' })
  await ada.page.getByTestId('event').getByText('Video call, 0:').waitFor()
  await bob.page.getByTestId('event').getByText('Video call, 0:').waitFor()
})

test('a shared screen is seen until it is no longer shared, also by the browser itself', async () => {
  const { ada, bob } = await two()
  await remember(ada.page)
  await ada.page.getByTestId('call-audio').click()
  await bob.page.getByTestId('call-accept').click()
  await ada.page.locator('[data-testid="call-panel"][data-phase="connected"]').waitFor()
  const theirs = bob.page.getByTestId('call-theirs')
  await expect.poll(() => theirs.isVisible()).toBe(false)
  await ada.page.getByTestId('call-share').click()
  await theirs.waitFor()
  await plays(theirs)
  await scene.shot(bob.page, 'call-screen')
  await expect.poll(() => ada.page.getByTestId('call-share').getAttribute('aria-pressed')).toBe('true')
  await ada.page.getByTestId('call-share').click()
  await theirs.waitFor({ state: 'hidden' })
  await ada.page.getByTestId('call-share').click()
  await theirs.waitFor()
  await goAway(ada.page, 'screen')
  await theirs.waitFor({ state: 'hidden' })
  // From the screen to the camera without a gap in between.
  await ada.page.getByTestId('call-share').click()
  await theirs.waitFor()
  await ada.page.getByTestId('call-camera').click()
  await plays(theirs)
  await expect.poll(() => ada.page.getByTestId('call-share').getAttribute('aria-pressed')).toBe('false')
  await bob.page.getByTestId('call-hangup').click()
})

test('a device that goes away is replaced, or both are told that there is none', async () => {
  const { ada, bob } = await two()
  await remember(ada.page)
  await ada.page.getByTestId('call-video').click()
  await bob.page.getByTestId('call-accept').click()
  await ada.page.locator('[data-testid="call-panel"][data-phase="connected"]').waitFor()
  const theirs = bob.page.getByTestId('call-theirs')
  await plays(theirs)
  await goAway(ada.page, 'video')
  await goAway(ada.page, 'audio')
  await plays(theirs)
  await expect.poll(() => sounds(theirs)).toBe(true)
  await ada.page.evaluate(() => { (window as unknown as Devices).noDevices = true })
  await goAway(ada.page, 'video')
  await theirs.waitFor({ state: 'hidden' })
  await goAway(ada.page, 'audio')
  await bob.page.getByTestId('call-they-are-muted').waitFor()
  const told = ada.page.getByTestId('toast').getByText('The microphone is gone')
  await told.waitFor()
  await ada.page.evaluate(() => { (window as unknown as Devices).noDevices = false })
  await ada.page.getByTestId('call-microphone').click()
  await bob.page.getByTestId('call-they-are-muted').waitFor({ state: 'detached' })
  await expect.poll(() => sounds(theirs)).toBe(true)
  // And again: she is told again.
  await told.waitFor({ state: 'detached' })
  await ada.page.evaluate(() => { (window as unknown as Devices).noDevices = true })
  await goAway(ada.page, 'audio')
  await told.waitFor()
  await bob.page.getByTestId('call-hangup').click()
})

test('a voice call: refused, withdrawn, and answered in another tab', async () => {
  const { ada, bob } = await two()
  await ada.page.getByTestId('call-audio').click()
  await bob.page.getByTestId('call-decline').click()
  await ada.page.getByText('Your call was declined.').waitFor()
  await ada.page.getByTestId('call-audio').click()
  await bob.page.getByTestId('call-incoming').waitFor()
  await ada.page.getByTestId('call-hangup').click()
  await bob.page.getByTestId('call-incoming').waitFor({ state: 'detached' })
  const second = await bob.context.newPage()
  await second.goto('/')
  await second.getByTestId('conversation-list').waitFor()
  await ada.page.getByTestId('call-audio').click()
  await bob.page.getByTestId('call-incoming').waitFor()
  await second.getByTestId('call-accept').click()
  await bob.page.getByTestId('call-incoming').waitFor({ state: 'detached' })
  await expect.poll(() => bob.page.getByTestId('call-panel').count()).toBe(0)
  await second.locator('[data-testid="call-panel"][data-phase="connected"]').waitFor()
  await expect.poll(() => sounds(ada.page.getByTestId('call-theirs'))).toBe(true)
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
  await ada.page.getByTestId('call-hangup').click()
  await bob.page.getByTestId('call-panel').waitFor({ state: 'detached' })
  await scene.shot(ada.page, 'call-phone-after')
})

test('two who call each other in the same moment have one call', async () => {
  const { ada, bob } = await two()
  for (let round = 0; round < 3; round++) {
    await Promise.all([ada.page.getByTestId('call-audio').click(), bob.page.getByTestId('call-audio').click()])
    const rings = (page: Person['page']) => page.getByTestId('call-incoming').waitFor().then(() => page)
    const rung = await Promise.any([rings(ada.page), rings(bob.page)])
    await rung.getByTestId('call-accept').click()
    for (const { page } of [ada, bob]) {
      await page.locator('[data-testid="call-panel"][data-phase="connected"]').waitFor()
      await expect.poll(() => sounds(page.getByTestId('call-theirs'))).toBe(true)
    }
    await ada.page.getByTestId('call-hangup').click()
    for (const { page } of [ada, bob]) await page.getByTestId('call-panel').waitFor({ state: 'detached' })
  }
})

for (const held of ['microphone', 'offer'] as const) {
  test(`somebody rings while the ${held} of my own call to him is waited for: his call is the one`, async () => {
    const { ada, bob } = await two()
    await hold(bob.page, held)
    await bob.page.getByTestId('call-audio').click()
    await bob.page.locator('[data-testid="call-panel"][data-phase="calling"]').waitFor()
    await bob.page.waitForFunction(() => 'release' in window)
    await ada.page.getByTestId('call-audio').click()
    await bob.page.getByTestId('call-incoming').waitFor()
    await bob.page.evaluate(() => (window as unknown as { release: () => Promise<void> }).release())
    await bob.page.getByTestId('call-accept').click()
    for (const { page } of [ada, bob]) {
      await page.locator('[data-testid="call-panel"][data-phase="connected"]').waitFor()
      await expect.poll(() => sounds(page.getByTestId('call-theirs'))).toBe(true)
    }
    await ada.page.getByTestId('call-hangup').click()
    for (const { page } of [ada, bob]) await page.getByTestId('call-panel').waitFor({ state: 'detached' })
  })
}
