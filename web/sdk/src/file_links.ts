import type { Alarms } from './alarms.ts'
import type { StoredFile } from './model.ts'
import type { Rest } from './rest.ts'

/** A link is asked for anew when less than this is left of it. */
const LEAST_MS = 60_000
const AT_ONCE = 100

/** Signed links of files: those asked for in one moment are fetched together, and kept while they are good. */
export class FileLinks {
  private readonly rest: Rest
  private readonly alarms: Alarms
  private readonly known = new Map<string, Promise<StoredFile | undefined>>()
  private readonly until = new Map<string, number>()
  private asked = new Map<string, { resolve: (file: StoredFile | undefined) => void, reject: (error: unknown) => void }>()

  constructor(rest: Rest, alarms: Alarms) {
    this.rest = rest
    this.alarms = alarms
  }

  /** Undefined when there is no such file for this user. */
  of(fileId: string): Promise<StoredFile | undefined> {
    const known = this.known.get(fileId)
    if (known && (this.until.get(fileId) ?? Infinity) - Date.now() > LEAST_MS)
      return known
    const link = new Promise<StoredFile | undefined>((resolve, reject) => {
      if (this.asked.size === 0)
        this.alarms.set(10, () => void this.fetch())
      this.asked.set(fileId, { resolve, reject })
    })
    this.until.delete(fileId)
    this.known.set(fileId, link)
    link.catch(() => this.known.delete(fileId))
    return link
  }

  private async fetch(): Promise<void> {
    const asked = [...this.asked]
    this.asked = new Map()
    for (let i = 0; i < asked.length; i += AT_ONCE) {
      const some = asked.slice(i, i + AT_ONCE)
      try {
        const { files } = await this.rest.call(api => api.POST('/api/files/urls', { body: { file_ids: some.map(([id]) => id) } }))
        for (const [id, { resolve }] of some) {
          const file = files.find(candidate => candidate.file_id === id)
          this.until.set(id, file ? expiryOf(file.url) : Date.now() + 2 * LEAST_MS)
          resolve(file)
        }
      }
      catch (error) {
        for (const [, { reject }] of some) reject(error)
      }
    }
  }
}

function expiryOf(url: string): number {
  return Number(new URL(url, 'http://x').searchParams.get('expires') ?? 0) * 1000
}
