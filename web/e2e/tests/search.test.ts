import { expect, test } from 'vitest'
import { bubble, openPrivate, say, useScene } from '../harness/scene'
import { Wire } from '../harness/socket'
import { until } from '../harness/until'

const scene = useScene()

test('what was said long ago is found in its conversation, marked, and shown in its place', async () => {
  const ada = await scene.person('Ada')
  const bob = await scene.person('Bob')
  await openPrivate(ada.page, bob.user)
  await say(ada.page, '我的爸爸肚子很餓')
  for (let i = 0; i < 60; i++) await say(ada.page, `line ${i}`)
  await bubble(ada.page, 'line 59').waitFor()
  await openPrivate(bob.page, ada.user)
  await bob.page.getByTestId('search-open').click()
  await until('the index has it', async () => {
    await bob.page.getByTestId('search-input').fill('')
    await bob.page.getByTestId('search-input').fill('爸爸')
    return await bob.page.getByTestId('search-hit').first().waitFor({ timeout: 1500 }).then(() => true, () => false)
  })
  const hit = bob.page.getByTestId('search-hit')
  await expect.poll(() => hit.count()).toBe(1)
  await expect.poll(() => hit.locator('mark').allTextContents()).toEqual(['爸爸'])
  await scene.shot(bob.page, 'search')
  await hit.click()
  await bob.page.getByTestId('search-input').waitFor({ state: 'detached' })
  const place = bubble(bob.page, '我的爸爸肚子很餓')
  await place.waitFor()
  await until('it is on the screen', () => place.evaluate((element) => {
    const box = element.getBoundingClientRect()
    return box.top > 0 && box.bottom < window.innerHeight
  }))
  await scene.shot(bob.page, 'search-place')
})

test('everywhere, by sender, kind and day; single characters, and nothing where nothing is', async () => {
  const ada = await scene.person('Ada')
  const bob = await scene.server.user('Bob')
  const cleo = await scene.server.user('Cleo')
  for (const user of [bob, cleo]) {
    const wire = await Wire.open(scene.server, user)
    await wire.send({ to: ada.user.user_id }, [`budget of ${user.nickname} 预算`])
    wire.close()
  }
  await ada.page.getByTestId('search-all').click()
  await until('the index has both', async () => {
    await ada.page.getByTestId('search-input').fill('')
    await ada.page.getByTestId('search-input').fill('算')
    await ada.page.getByTestId('search-hit').nth(1).waitFor({ timeout: 1500 }).catch(() => {})
    return await ada.page.getByTestId('search-hit').count() === 2
  })
  await ada.page.getByTestId('search-filters').click()
  await ada.page.getByTestId('search-from').selectOption({ label: 'Cleo' })
  await until('only hers is left', async () => await ada.page.getByTestId('search-hit').count() === 1)
  await expect.poll(() => ada.page.getByTestId('search-hit').innerText()).toContain('budget of Cleo')
  await scene.shot(ada.page, 'search-filters')
  await ada.page.getByTestId('search-type').selectOption('4')
  await ada.page.getByTestId('search-none').waitFor()
  await ada.page.getByTestId('search-type').selectOption('')
  await ada.page.getByTestId('search-before').fill('2020-01-01')
  await ada.page.getByTestId('search-none').waitFor()
  await ada.page.keyboard.press('Escape')
  await ada.page.keyboard.press('Control+Shift+F')
  await ada.page.getByTestId('search-input').waitFor()
})
