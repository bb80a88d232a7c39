/** Frames as binary messages: proto/simpleim.proto. Loaded when `encoding: 'protobuf'` is asked for. */
import type { WireType } from '@bufbuild/protobuf/wire'
import type { Frame } from './protocol.ts'
import { BinaryReader, BinaryWriter } from '@bufbuild/protobuf/wire'
import { wellFormedJson } from './json.ts'
import { FrameType, groupConversation, privateConversation } from './protocol.ts'

type Content = Record<string, unknown>
type Kind = 'text' | 'uint' | 'time' | 'flag' | 'texts'
/** The fields of a message by their numbers. */
type Fields = Record<number, [name: string, kind: Kind]>

const FRAME = { type: 1, messageId: 2, from: 3, to: 4, groupId: 5, seq: 6, timestamp: 7, conversationId: 8, amendment: 9, json: 10, text: 11, ack: 12, refusal: 13, mark: 14, typing: 15, presence: 16, sync: 17, heartbeat: 18 }
const AMENDMENT: Fields = { 1: ['version', 'uint'], 2: ['edited_at', 'time'], 3: ['recalled_at', 'time'], 4: ['recalled_by', 'text'] }
const TEXT: Fields = { 1: ['text', 'text'], 2: ['at_user_ids', 'texts'], 3: ['reply_to', 'text'] }
const PLACE: Fields = { 1: ['conversation_id', 'text'], 2: ['seq', 'uint'] }
const REFUSAL: Fields = { 1: ['code', 'uint'], 2: ['error', 'text'], 3: ['retry_after_ms', 'uint'], 4: ['ref', 'text'] }
const TYPING: Fields = { 1: ['conversation_id', 'text'] }
const PRESENCE: Fields = { 1: ['user_id', 'text'], 2: ['online', 'flag'], 3: ['last_seen', 'time'] }
const CONVERSATION: Fields = { 1: ['conversation_id', 'text'], 2: ['last_seq', 'uint'], 3: ['read_seq', 'uint'], 4: ['unread', 'uint'], 5: ['mentioned_seq', 'uint'] }
const HEARTBEAT: Fields = { 1: ['timestamp', 'time'] }

const VARINT = 0 as WireType.Varint
const BYTES = 2 as WireType.LengthDelimited
/** What stands in for a field that is left out; an optional one stays out. */
const EMPTY: Record<Kind, unknown> = { text: '', uint: 0, time: 0, flag: false, texts: [] }
const utf8 = new TextDecoder()
const toUtf8 = new TextEncoder()

// ---------------------------------------------------------------- reading

function readField(reader: BinaryReader, kind: Kind): unknown {
  switch (kind) {
    case 'text':
    case 'texts':
      return reader.string()
    case 'uint':
      return reader.uint32()
    case 'time':
      return Number(reader.int64())
    case 'flag':
      return reader.bool()
  }
}

/** A message within the frame; `optional` fields that are left out are not there. */
function read(reader: BinaryReader, fields: Fields, optional: string[] = []): Content {
  const out: Content = {}
  for (const [name, kind] of Object.values(fields)) {
    if (!optional.includes(name))
      out[name] = EMPTY[kind]
  }
  const end = reader.uint32() + reader.pos
  while (reader.pos < end) {
    const [number, wireType] = reader.tag()
    const field = fields[number]
    if (!field) {
      reader.skip(wireType)
      continue
    }
    const [name, kind] = field
    const value = readField(reader, kind)
    if (kind === 'texts')
      out[name] = [...(out[name] as string[] | undefined ?? []), value as string]
    else
      out[name] = value
  }
  return out
}

function readSync(reader: BinaryReader): Content {
  const conversations: Content[] = []
  let more = false
  const end = reader.uint32() + reader.pos
  while (reader.pos < end) {
    const [number, wireType] = reader.tag()
    if (number === 1)
      conversations.push(read(reader, CONVERSATION))
    else if (number === 2)
      more = reader.bool()
    else
      reader.skip(wireType)
  }
  return { conversations, has_more: more }
}

/** The frame that the server has sent. Throws when it is none. */
export function decodeFrame(bytes: Uint8Array): Frame {
  const reader = new BinaryReader(bytes)
  const frame: Frame & { content?: Content } = { message_id: '', type: 0, from: 'system', timestamp: 0 }
  let content: number | undefined
  while (reader.pos < reader.len) {
    const [number, wireType] = reader.tag()
    switch (number) {
      case FRAME.type:
        frame.type = reader.uint32()
        break
      case FRAME.messageId:
        frame.message_id = reader.string()
        break
      case FRAME.from:
        frame.from = reader.string()
        break
      case FRAME.to:
        frame.to = reader.string()
        break
      case FRAME.groupId:
        frame.group_id = reader.string()
        break
      case FRAME.seq:
        frame.seq = reader.uint32()
        break
      case FRAME.timestamp:
        frame.timestamp = Number(reader.int64())
        break
      case FRAME.conversationId:
        frame.conversation_id = reader.string()
        break
      case FRAME.amendment:
        Object.assign(frame, read(reader, AMENDMENT, ['edited_at', 'recalled_at', 'recalled_by']))
        break
      case FRAME.json:
        frame.content = JSON.parse(utf8.decode(reader.bytes())) as Content
        break
      case FRAME.text:
        frame.content = read(reader, TEXT, ['at_user_ids', 'reply_to'])
        break
      case FRAME.ack:
      case FRAME.mark:
        frame.content = read(reader, PLACE)
        break
      case FRAME.refusal:
        frame.content = read(reader, REFUSAL, ['retry_after_ms', 'ref'])
        break
      case FRAME.typing:
        frame.content = read(reader, TYPING)
        break
      case FRAME.presence:
        frame.content = read(reader, PRESENCE)
        break
      case FRAME.sync:
        frame.content = readSync(reader)
        break
      case FRAME.heartbeat:
        frame.content = read(reader, HEARTBEAT)
        break
      default:
        reader.skip(wireType)
    }
    if (number >= FRAME.json)
      content = number
  }
  putBack(frame, content)
  return frame
}

/** What the wire leaves out because it follows from the rest. */
function putBack(frame: Frame & { content?: Content }, content: number | undefined): void {
  if (frame.group_id && !frame.to)
    frame.to = frame.group_id
  if (content === FRAME.ack)
    Object.assign(frame.content!, { message_id: frame.message_id, timestamp: frame.timestamp })
  if (content === FRAME.refusal && frame.type === FrameType.ack)
    frame.content!.message_id = frame.message_id
  if (frame.conversation_id)
    return
  if (frame.seq)
    frame.conversation_id = frame.group_id ? groupConversation(frame.group_id) : privateConversation(frame.from!, frame.to!)
  else if (content === FRAME.mark || content === FRAME.typing)
    frame.conversation_id = frame.content!.conversation_id as string
}

// ---------------------------------------------------------------- writing

const FITS: Record<Kind, (value: unknown) => boolean> = {
  text: value => typeof value === 'string',
  texts: value => Array.isArray(value) && value.length > 0 && value.every(item => typeof item === 'string'),
  uint: value => Number.isInteger(value) && (value as number) >= 0 && (value as number) < 2 ** 32,
  time: value => Number.isSafeInteger(value),
  flag: value => typeof value === 'boolean',
}

/** The content is made of these fields and no other. */
function fits(content: Content, fields: Fields, optional: string[] = []): boolean {
  let known = 0
  for (const [name, kind] of Object.values(fields)) {
    const isOptional = optional.includes(name)
    if (name in content) {
      known++
      if (!FITS[kind](content[name]) || (isOptional && content[name] === ''))
        return false
    }
    else if (!isOptional) {
      return false
    }
  }
  return known === Object.keys(content).length
}

function write(writer: BinaryWriter, number: number, content: Content, fields: Fields): void {
  writer.tag(number, BYTES).fork()
  for (const [key, [name, kind]] of Object.entries(fields)) {
    const value = content[name]
    if (kind === 'texts')
      (value as string[] | undefined)?.forEach(item => writer.tag(Number(key), BYTES).string(item))
    else if (kind === 'text' && value)
      writer.tag(Number(key), BYTES).string(value as string)
    else if (kind === 'uint' && value)
      writer.tag(Number(key), VARINT).uint32(value as number)
    else if (kind === 'time' && value)
      writer.tag(Number(key), VARINT).int64(value as number)
  }
  writer.join()
}

const WRITTEN: [types: number[], number: number, fields: Fields, optional?: string[]][] = [
  [[FrameType.text, FrameType.private, FrameType.group], FRAME.text, TEXT, ['at_user_ids', 'reply_to']],
  [[FrameType.read, FrameType.delivered], FRAME.mark, PLACE],
  [[FrameType.typing], FRAME.typing, TYPING],
  [[FrameType.heartbeat], FRAME.heartbeat, HEARTBEAT],
]

/** A frame for the server. */
export function encodeFrame(frame: Frame): Uint8Array<ArrayBuffer> {
  const writer = new BinaryWriter()
  if (frame.type)
    writer.tag(FRAME.type, VARINT).uint32(frame.type)
  for (const [number, text] of [[FRAME.messageId, frame.message_id], [FRAME.to, frame.to], [FRAME.groupId, frame.group_id]] as const) {
    if (text)
      writer.tag(number, BYTES).string(text)
  }
  const content = frame.content
  if (content) {
    const typed = WRITTEN.find(([types, , fields, optional]) => types.includes(frame.type) && fits(content, fields, optional))
    if (typed)
      write(writer, typed[1], content, typed[2])
    else
      writer.tag(FRAME.json, BYTES).bytes(toUtf8.encode(wellFormedJson(content)))
  }
  return writer.finish() as Uint8Array<ArrayBuffer>
}
