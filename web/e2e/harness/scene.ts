import type { Browser, BrowserContext, BrowserContextOptions, Locator, Page } from 'playwright-core'
import type { Sins } from './browser'
import type { User } from './server'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect } from 'vitest'
import { launch, profile, signIn } from './browser'
import { Server } from './server'

export const OUT = process.env.SIMPLEIM_E2E_OUT ?? join(import.meta.dirname, '../out')

export interface Person { user: User, page: Page, context: BrowserContext, sins: Sins }

/** A server, with `settings`, and a browser for a file of tests; every person in it is watched for errors and CSP reports. */
export function useScene(settings: () => Promise<string[]> = () => Promise.resolve([])) {
  let server!: Server
  let browser!: Browser
  let people: Person[] = []

  beforeAll(async () => {
    mkdirSync(OUT, { recursive: true })
    server = await new Server(await settings()).start()
    browser = await launch()
  })
  afterAll(async () => {
    await browser?.close()
    await server?.stop()
  })
  afterEach(async (context) => {
    const sins = people.flatMap(({ user, sins }) => [...sins.errors, ...sins.violations].map(sin => `${user.nickname}: ${sin}`))
    if (context.task.result?.state === 'fail') {
      for (const [index, { page }] of people.entries())
        await page.screenshot({ path: join(OUT, `failed-${context.task.name.replace(/\W+/g, '-').slice(0, 60)}-${index}.png`) }).catch(() => {})
    }
    await Promise.all(people.map(({ context }) => context.close()))
    people = []
    expect(sins).toEqual([])
  })

  async function visitor(user: User, options: BrowserContextOptions = {}): Promise<Person> {
    const person = { user, ...await profile(browser, server, options) }
    people.push(person)
    return person
  }

  return {
    get server() { return server },
    get browser() { return browser },
    visitor,
    /** Signed in, in a browser of his own. */
    async person(nickname: string | User, options: BrowserContextOptions = {}): Promise<Person> {
      const person = await visitor(typeof nickname === 'string' ? await server.user(nickname) : nickname, options)
      await signIn(person.page, person.user)
      return person
    },
    shot: (page: Page, name: string) => page.screenshot({ path: join(OUT, `${name}.png`) }),
  }
}

// ---------------------------------------------------------------- what people do

export async function openPrivate(page: Page, other: User): Promise<void> {
  await page.getByTestId('user-search').fill(other.username)
  await page.locator(`[data-testid="user-result"][data-user-id="${other.user_id}"]`).click()
  await page.getByTestId('composer-input').waitFor()
}

export const conversation = (page: Page, id: string): Locator => page.locator(`[data-testid="conversation"][data-conversation-id="${id}"]`)

export const conversationWith = (a: User, b: User): string => {
  const [first, second] = [a.user_id, b.user_id].sort()
  return `private:${first}:${second}`
}

export async function say(page: Page, text: string): Promise<void> {
  await page.getByTestId('composer-input').fill(text)
  await page.getByTestId('composer-input').press('Enter')
}

/** The bubble with exactly this text. */
export const bubble = (page: Page, text: string): Locator =>
  page.getByTestId('message').filter({ has: page.getByTestId('message-text').getByText(text, { exact: true }) })

export const texts = (page: Page): Promise<string[]> => page.getByTestId('message-text').allTextContents()
