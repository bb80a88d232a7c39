import type { Server, User } from './server'
import { WebSocket } from 'ws'
import { until } from './until'

interface Frame { type: number, message_id?: string, content?: Record<string, unknown>, seq?: number, [more: string]: unknown }

/** A bare client on the wire, for what a browser would be too slow for. */
export class Wire {
  readonly frames: Frame[] = []
  private readonly socket: WebSocket
  private count = 0

  private constructor(url: string, token: string) {
    this.socket = new WebSocket(`${url.replace('http', 'ws')}/ws?sync=summary`, ['simpleim.v1', `bearer.${token}`])
    this.socket.on('message', data => this.frames.push(JSON.parse(String(data)) as Frame))
  }

  static async open(server: Server, user: User): Promise<Wire> {
    const wire = new Wire(server.url, user.token)
    await until('the socket is open', () => wire.frames.some(frame => frame.type === 60))
    return wire
  }

  /** Sends and waits until all are stored; at the rate the server allows. */
  async send(target: { to: string } | { group_id: string }, texts: string[], type = 1): Promise<void> {
    for (const text of texts) await this.post({ type: 'group_id' in target ? 2 : type, ...target, content: { text } })
  }

  /** Sends one message of any type and waits until it is stored. */
  async post(message: { type: number, content: Record<string, unknown>, to?: string, group_id?: string }): Promise<void> {
    const message_id = `wire-${Date.now()}-${++this.count}-${Math.random().toString(36).slice(2)}`
    this.socket.send(JSON.stringify({ ...message, message_id }))
    const ack = await until(`the ack of ${JSON.stringify(message.content).slice(0, 40)}`, () => this.frames.find(frame => frame.type === 30 && frame.message_id === message_id))
    if (ack.content?.code)
      throw new Error(`refused: ${JSON.stringify(ack.content)}`)
  }

  /** Many at once; needs a server without a limit of messages a second. */
  async flood(target: { to: string } | { group_id: string }, texts: string[]): Promise<void> {
    const acked = () => this.frames.filter(frame => frame.type === 30).length
    const before = acked()
    const prefix = `flood-${Math.random().toString(36).slice(2)}`
    for (const [n, text] of texts.entries())
      this.socket.send(JSON.stringify({ type: 'group_id' in target ? 2 : 1, message_id: `${prefix}-${n}`, ...target, content: { text } }))
    await until(`${texts.length} acks`, () => acked() - before === texts.length, 60_000)
    const refused = this.frames.find(frame => frame.type === 30 && frame.content?.code)
    if (refused)
      throw new Error(`refused: ${JSON.stringify(refused.content)}`)
  }

  /** A signal of a call (types 40 to 45). */
  signal(type: number, to: string, content: Record<string, unknown>): void {
    this.socket.send(JSON.stringify({ type, to, content }))
  }

  /** Read up to `seq`. */
  mark(conversation_id: string, seq: number): void {
    this.socket.send(JSON.stringify({ type: 31, content: { conversation_id, seq } }))
  }

  close(): void {
    this.socket.close()
  }
}
