/** Frames of the WebSocket: docs/protocol.md, section 3. Their types are made from the server's list of them. */
import { COUNTED, OPERATIONS } from './generated/frame_types.ts'

export { FILES, FrameType, OPERATIONS, SHOWN } from './generated/frame_types.ts'

/** One JSON object a WebSocket text frame. */
export interface Frame {
  type: number
  message_id?: string
  from?: string
  to?: string
  group_id?: string
  content?: Record<string, unknown>
  timestamp?: number
  conversation_id?: string
  seq?: number
}

export const CloseCode = {
  replaced: 4001,
  revoked: 4002,
  heartbeatTimeout: 4008,
  slowConsumer: 4009,
  draining: 4010,
} as const

export const ErrorCode = {
  invalidToken: 40101,
  wrongCredentials: 40102,
  tokenRevoked: 40103,
  notMember: 40301,
  blocked: 40303,
  muted: 40304,
  notFound: 40401,
  usernameTaken: 40901,
  conflict: 40903,
  windowPassed: 41001,
  tooLarge: 41301,
  rateLimited: 42901,
  unavailable: 50301,
  draining: 50302,
  storageFull: 50701,
  /** Not from the server: it could not be reached. */
  network: 0,
} as const

/** Why the server, or the way to it, refused something. `code` as in docs/protocol.md; 0: no answer came. */
export class SimpleIMError extends Error {
  readonly code: number
  /** For a validation error: the field it is about. */
  readonly field: string | undefined
  readonly retryAfterMs: number

  constructor(code: number, text: string, field?: string, retryAfterMs = 0) {
    super(text)
    this.name = 'SimpleIMError'
    this.code = code
    this.field = field
    this.retryAfterMs = retryAfterMs
  }

  get isNetwork(): boolean {
    return this.code === ErrorCode.network
  }
}

/** The other user of a private conversation. */
export function peerOf(conversationId: string, me: string): string {
  const [, a = '', b = ''] = conversationId.split(':')
  return a === me ? b : a
}

export function privateConversation(a: string, b: string): string {
  return a < b ? `private:${a}:${b}` : `private:${b}:${a}`
}

export function groupConversation(groupId: string): string {
  return `group:${groupId}`
}

/** The group of a group conversation; nothing for a private one. */
export function groupOf(conversationId: string): string | undefined {
  return conversationId.startsWith('group:') ? conversationId.slice('group:'.length) : undefined
}

/** Recall, edit, reaction, pin: they have a seq like messages, but are no messages to show. */
export function isOperation(type: number): boolean {
  return OPERATIONS.has(type)
}

/** What people write: it counts as unread. Not events, not operations. */
export function countsAsUnread(type: number): boolean {
  return COUNTED.has(type)
}
