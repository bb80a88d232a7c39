import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core'
import type { Server, User } from './server'
import { chromium } from 'playwright-core'

const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream']

export function launch(): Promise<Browser> {
  return chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', headless: true, args: FLAGS })
}

/** What the page did that it must not: errors, CSP reports, scripts of others. */
export interface Sins { errors: string[], violations: string[] }

/** One person's browser: an empty profile, watched. */
export async function profile(browser: Browser, server: Server, options: BrowserContextOptions = {}): Promise<{ context: BrowserContext, page: Page, sins: Sins }> {
  const context = await browser.newContext({ baseURL: server.url, viewport: { width: 1180, height: 760 }, locale: 'en-US', ...options })
  const sins: Sins = { errors: [], violations: [] }
  await context.exposeBinding('__violation', (_, text: string) => { sins.violations.push(text) })
  await context.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (event) => {
      (window as unknown as { __violation: (text: string) => void }).__violation(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`)
    })
  })
  context.on('page', page => page.on('pageerror', error => sins.errors.push(String(error))))
  const page = await context.newPage()
  page.setDefaultTimeout(30_000)
  return { context, page, sins }
}

export async function signIn(page: Page, user: User, path = '/'): Promise<void> {
  await page.goto(path)
  await page.getByTestId('login-username').fill(user.username)
  await page.getByTestId('login-password').fill(user.password)
  await page.getByTestId('login-submit').click()
  await page.getByTestId('conversation-list').waitFor()
}
