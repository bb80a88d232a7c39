/** What the SDK keeps and shows. Fields that come from the wire keep the wire's names. */
import type { components } from './generated/api.ts'

type Schemas = components['schemas']

export type Profile = Schemas['Profile']
export type UserName = Schemas['UserName']
export type Group = Schemas['Group']
export type Member = Schemas['Member']
export type Role = Schemas['Role']
export type DeviceSession = Schemas['Session']
export type GroupChange = Schemas['GroupChange']
export type MemberChange = Schemas['MemberChange']
export type Reaction = Schemas['Reaction']
/** A file as the server keeps it; its URLs are good for minutes. */
export type StoredFile = Schemas['File']

/** Content of a text message (types 0 to 2). */
export interface TextContent {
  text: string
  at_user_ids?: string[]
  reply_to?: string
}

/** Content of a group event (type 3). */
export interface GroupEventContent {
  event: string
  group_id?: string
  operator_id?: string
  target_ids?: string[]
  [more: string]: unknown
}

/** A message as the server stored it. */
export interface Message {
  message_id: string
  type: number
  from: string
  to?: string
  group_id?: string
  conversation_id: string
  seq: number
  /** Server clock, ms since the epoch. */
  timestamp: number
  content: Record<string, unknown>
  /** seq of the last edit or recall. */
  version?: number
  edited_at?: number
  recalled_at?: number
  recalled_by?: string
  reactions?: Reaction[]
  /** On this device: it shows the effect of all operations up to this seq. */
  state_seq?: number
}

/** Content of types 4 to 7. */
export interface FileContent {
  file_id: string
  url: string
  thumbnail_url?: string
  file_name: string
  file_size: number
  mime: string
  width?: number
  height?: number
  /** Seconds. */
  duration?: number
  /** 0 to 255. */
  waveform?: number[]
  /** Of a video: a small picture of its beginning, as a data URL. */
  poster?: string
  /** The caption. */
  text?: string
}

/** A file that waits for its upload, on this device. */
export interface LocalFile {
  blob: Blob
  name: string
  /** A picture stays as it is, with its metadata. */
  as_file?: boolean
  /** Where the upload goes on after a cut. */
  upload_url?: string
}

/** A message on its way: not acknowledged yet, or refused. */
export interface Outgoing {
  message_id: string
  conversation_id: string
  type: number
  to?: string
  group_id?: string
  content: Record<string, unknown>
  /** Place in the queue; grows from message to message. */
  order: number
  /** Device clock, ms; only shown until the server's time is known. */
  created_at: number
  /** uploading: its file comes first. */
  state: 'uploading' | 'queued' | 'failed'
  file?: LocalFile
  /** When failed: the server's code and text. */
  error?: { code: number, text: string }
}

/** One line of the conversation list. */
export interface Conversation {
  conversation_id: string
  type: 'private' | 'group'
  peer?: UserName
  group?: Group
  last_message?: Message
  /** Everything up to here is accounted for; what is newer is fetched first. */
  last_seq: number
  read_seq: number
  peer_read_seq: number
  peer_delivered_seq: number
  unread: number
  /** First unread message that mentions me or everyone; 0: none. */
  mentioned_seq: number
  pinned: boolean
  muted: boolean
  archived: boolean
  draft: string
  /** The draft was typed here and the server has not got it yet. */
  draft_unsynced?: boolean
}

export interface Presence {
  user_id: string
  online: boolean
  last_seen: number
}

/** A signal of a call between two users (types 40 to 45), passed on by the server, not stored. */
export interface CallSignal {
  type: number
  call_id: string
  from: string
  to: string
  content: Record<string, unknown>
}

/** Who is signed in on this device. */
/** What this server is and allows. */
export type ServerInfo = Schemas['Server']

export interface AuthSession {
  user_id: string
  username: string
  nickname: string
  session_id: string
  device_id: string
  token: string
  refresh_token: string
  expires_at: number
}

export interface ConnectionStatus {
  /**
   * offline: waiting for the next try; replaced: another connection of this device took over and
   * this one stays away until `reconnect()`; signed_out: the session has ended.
   */
  state: 'connecting' | 'online' | 'offline' | 'replaced' | 'signed_out'
  /** ms since the epoch at which this state began. */
  since: number
}

/** Everything a tab is told; each event also reaches the other tabs. */
export interface Events {
  /** New messages of one conversation, ascending, without gap to what was told before. */
  messages: { conversation_id: string, messages: Message[] }
  /** Messages as operations left them. */
  amended: { conversation_id: string, messages: Message[] }
  /** An operation of mine was not possible. */
  refused: { entry: Outgoing, code: number, text: string }
  /** Bytes of a file that have arrived. */
  progress: { message_id: string, sent: number, total: number }
  /** What is pinned in the conversation changed. */
  pins: { conversation_id: string }
  /** The row is new or changed. */
  conversation: Conversation
  /** The conversation is no longer in the list; `reason` when somebody made it so. */
  removed: { conversation_id: string, reason?: 'kicked' | 'left' | 'dissolved', title?: string }
  /** A message of mine was queued, refused or queued again. */
  outgoing: Outgoing
  /** A message of mine left the queue: stored, as `message`, or discarded. */
  settled: { conversation_id: string, message_id: string, message?: Message }
  typing: { conversation_id: string, user_id: string }
  /** Of the other one, or of another device or tab of mine. */
  call: CallSignal
  /** A signal of mine was not passed on. */
  call_refused: { call_id: string, code: number, text: string }
  presence: Presence
  /** A profile that is known better now. */
  user: UserName
  /** Members, roles or settings of a group changed. */
  group: { group_id: string }
  /** The list is as new as the server's. */
  synced: { at: number }
  connection: ConnectionStatus
}
