export { pageAlarms, workerAlarms } from './alarms.ts'
export type { Alarms } from './alarms.ts'
export { SimpleIM } from './client.ts'
export type { SimpleIMOptions } from './client.ts'
export type { Socket, SocketFactory } from './connection.ts'
export type * from './model.ts'
export { amend } from './operations.ts'
export type { OperationContent } from './operations.ts'
export {
  CloseCode,
  countsAsUnread,
  ErrorCode,
  FILES,
  FrameType,
  groupConversation,
  groupOf,
  isOperation,
  peerOf,
  privateConversation,
  SimpleIMError,
} from './protocol.ts'
export type { Frame } from './protocol.ts'
export type { Api } from './rest.ts'
export { browserKeeper, memoryKeeper } from './session_keeper.ts'
export type { SessionKeeper } from './session_keeper.ts'
export type { Changes, LocalStore } from './store/local_store.ts'
export { MemoryStore } from './store/memory_store.ts'
export { Timeline } from './timeline.ts'
