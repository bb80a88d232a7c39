import type { Alarms } from './alarms.ts'
import type { Emitter } from './emitter.ts'
import type { Events, Outgoing, StoredFile } from './model.ts'
import type { Rest } from './rest.ts'
import type { LocalStore } from './store/local_store.ts'
import { ErrorCode, FrameType, SimpleIMError } from './protocol.ts'
import { GIVEN_UP, uploadInParts, uploadWhole } from './upload_transport.ts'

export interface UploadsOptions {
  baseUrl: string
  store: LocalStore
  rest: Rest
  alarms: Alarms
  events: Pick<Emitter<Events>, 'emit'>
  /** The file is there: its message may be sent. */
  onUploaded: () => void
}

/** A larger file goes in parts, and goes on where it was after a cut. */
const WHOLE_BYTES = 8 << 20
const AT_ONCE = 2
const RETRY_MS = [1_000, 3_000, 8_000, 20_000, 30_000]
const PASSING = new Set<number>([ErrorCode.network, ErrorCode.rateLimited, ErrorCode.unavailable, ErrorCode.draining])

/** Uploads the files of the queue, in the leading tab; each entry is `uploading` until its file has an id. */
export class Uploads {
  private readonly options: UploadsOptions
  private readonly running = new Map<string, AbortController>()
  private readonly tries = new Map<string, number>()
  private waiting = new Map<string, Outgoing>()
  private stopped = false

  constructor(options: UploadsOptions) {
    this.options = options
  }

  /** The queue as the store has it; what is not in it any more is given up. */
  load(entries: Outgoing[]): void {
    this.waiting = new Map(entries.filter(entry => entry.state === 'uploading' && entry.file).map(entry => [entry.message_id, entry]))
    for (const [id, controller] of this.running) {
      if (!this.waiting.has(id))
        controller.abort(GIVEN_UP)
    }
    this.pump()
  }

  stop(): void {
    this.stopped = true
    for (const controller of this.running.values()) controller.abort()
  }

  private pump(): void {
    for (const entry of this.waiting.values()) {
      if (this.stopped || this.running.size >= AT_ONCE)
        return
      if (!this.running.has(entry.message_id))
        void this.run(entry)
    }
  }

  private async run(entry: Outgoing): Promise<void> {
    const id = entry.message_id
    const controller = new AbortController()
    this.running.set(id, controller)
    try {
      const file = await this.upload(entry, controller.signal)
      await this.replace({ ...sendable(entry, file), state: 'queued' })
      this.waiting.delete(id)
      this.options.onUploaded()
    }
    catch (error) {
      if (!controller.signal.aborted)
        await this.failed(entry, error)
    }
    finally {
      this.running.delete(id)
      this.pump()
    }
  }

  private upload(entry: Outgoing, signal: AbortSignal): Promise<StoredFile> {
    const { baseUrl, rest, events } = this.options
    const { message_id } = entry
    const file = entry.file!
    const about = {
      name: file.name,
      asFile: file.as_file ?? entry.type === FrameType.file,
      durationMs: Math.round(Number(entry.content.duration ?? 0) * 1000),
    }
    const progress = (sent: number, total: number) => events.emit('progress', { message_id, sent, total })
    if (file.blob.size <= WHOLE_BYTES)
      return uploadWhole({ baseUrl, rest, blob: file.blob, about, signal, progress })
    return uploadInParts({
      baseUrl,
      rest,
      blob: file.blob,
      about,
      signal,
      progress,
      from: file.upload_url,
      onUrl: upload_url => void this.replace({ ...entry, file: { ...file, upload_url } }),
    })
  }

  private async failed(entry: Outgoing, error: unknown): Promise<void> {
    const { code, message, retryAfterMs } = error instanceof SimpleIMError ? error : new SimpleIMError(ErrorCode.network, String(error))
    if (PASSING.has(code)) {
      const tried = this.tries.get(entry.message_id) ?? 0
      this.tries.set(entry.message_id, tried + 1)
      this.waiting.delete(entry.message_id)
      this.options.alarms.set(Math.max(retryAfterMs, RETRY_MS[Math.min(tried, RETRY_MS.length - 1)]!), () => void this.again())
      return
    }
    this.waiting.delete(entry.message_id)
    await this.replace({ ...entry, state: 'failed', error: { code, text: message } })
  }

  private async again(): Promise<void> {
    if (!this.stopped)
      this.load(await this.options.store.outgoing())
  }

  private async replace(entry: Outgoing): Promise<void> {
    if (this.waiting.has(entry.message_id) && entry.state === 'uploading')
      this.waiting.set(entry.message_id, entry)
    await this.options.store.apply({ outgoing: [entry] })
    this.options.events.emit('outgoing', entry)
  }
}

/** The message with what the server says of its file; what cannot be shown is sent as a file. */
function sendable(entry: Outgoing, file: StoredFile): Outgoing {
  const { file: _, ...rest } = entry
  const path = `/api/files/${file.file_id}`
  const { file_id, file_name, file_size, mime, width, height } = file
  const fits = entry.type === FrameType.file
    || (entry.type === FrameType.image && file.kind === 'image')
    || (entry.type === FrameType.video && file.kind === 'video')
    || (entry.type === FrameType.voice && (file.kind === 'audio' || file.kind === 'video'))
  return {
    ...rest,
    type: fits ? entry.type : FrameType.file,
    content: {
      ...entry.content,
      file_id,
      url: path,
      file_name,
      file_size,
      mime,
      ...(file.thumbnail_url ? { thumbnail_url: `${path}/thumbnail` } : {}),
      ...(width && height ? { width, height } : {}),
    },
  }
}
