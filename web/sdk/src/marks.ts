import type { Alarms } from './alarms.ts'
import type { Frame } from './protocol.ts'
import { FrameType } from './protocol.ts'

/** Marks of one moment go out as one frame a conversation. */
const GATHER_MS = 80

/** Reports how far this device holds (37) and this user has read (31) each conversation. */
export class Marks {
  private readonly pending = new Map<string, { type: number, conversation_id: string, seq: number }>()
  private cancel: (() => void) | undefined
  private readonly alarms: Alarms
  private readonly send: (frame: Frame) => boolean

  constructor(alarms: Alarms, send: (frame: Frame) => boolean) {
    this.alarms = alarms
    this.send = send
  }

  delivered(conversationId: string, seq: number): void {
    this.add(FrameType.delivered, conversationId, seq)
  }

  read(conversationId: string, seq: number): void {
    this.add(FrameType.read, conversationId, seq)
  }

  /** What could not be sent is sent now. */
  connected(): void {
    this.gather()
  }

  private add(type: number, conversation_id: string, seq: number): void {
    if (seq <= 0)
      return
    const key = `${type}:${conversation_id}`
    const known = this.pending.get(key)
    if (!known || known.seq < seq)
      this.pending.set(key, { type, conversation_id, seq })
    this.gather()
  }

  private gather(): void {
    this.cancel ??= this.alarms.set(GATHER_MS, () => {
      this.cancel = undefined
      for (const [key, { type, conversation_id, seq }] of this.pending) {
        if (!this.send({ type, content: { conversation_id, seq } }))
          return // connected() goes on
        this.pending.delete(key)
      }
    })
  }
}
