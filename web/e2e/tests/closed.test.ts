import { expect, test } from 'vitest'
import { useScene } from '../harness/scene'

const scene = useScene(() => Promise.resolve(['auth.registration=closed', 'server.name=Example & Söhne', 'auth.password_min_length=10']))

test('a closed server offers no account, and says whose it is', async () => {
  const page = await (await scene.browser.newContext({ baseURL: scene.server.url, viewport: { width: 1180, height: 760 } })).newPage()
  await page.goto('/')
  await page.getByTestId('login-username').waitFor()
  await page.getByText('Example & Söhne').first().waitFor()
  await expect.poll(() => page.getByTestId('login-toggle').count()).toBe(0)
  await scene.shot(page, 'closed')
  await page.context().close()
})
