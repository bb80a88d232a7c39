/**
 * The tabs of one account in one browser: one of them leads and holds the socket (Web Locks: when it goes, the browser
 * hands the lock to the next), all of them hear each other (BroadcastChannel). Without these, as in Node, there is
 * one tab, and it leads.
 */
export class Tabs<Note> {
  private readonly channel: BroadcastChannel | undefined
  private readonly lockName: string
  private readonly closing = new AbortController()
  private release: (() => void) | undefined

  constructor(name: string, onNote: (note: Note) => void, alone: boolean) {
    this.lockName = `${name}:leader`
    if (alone || typeof BroadcastChannel === 'undefined')
      return
    this.channel = new BroadcastChannel(name)
    this.channel.onmessage = (event: MessageEvent<Note>) => onNote(event.data)
  }

  /** To all other tabs. */
  tell(note: Note): void {
    this.channel?.postMessage(note)
  }

  /** Calls `lead` when this tab leads, maybe at once, maybe never. */
  campaign(lead: () => void): void {
    if (!this.channel || typeof navigator === 'undefined' || !navigator.locks)
      return lead()
    void navigator.locks.request(this.lockName, { signal: this.closing.signal }, async () => {
      lead()
      await new Promise<void>((resolve) => { this.release = resolve })
    }).catch(() => {
      // close() took the request back
    })
  }

  close(): void {
    this.closing.abort()
    this.release?.()
    this.channel?.close()
  }
}
