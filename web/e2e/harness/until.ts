/** Waits for a condition, not for a time; says what it waited for when it gives up. */
export async function until<T>(what: string, check: () => Promise<T | false | undefined> | T | false | undefined, ms = 30_000): Promise<T> {
  const deadline = Date.now() + ms
  for (;;) {
    const value = await check()
    if (value)
      return value
    if (Date.now() > deadline)
      throw new Error(`waited ${ms} ms in vain: ${what}`)
    await new Promise(resolve => setTimeout(resolve, 25))
  }
}
