import type { Message } from './model.ts'
import type { LocalStore } from './store/local_store.ts'
import { amend, stateOf } from './operations.ts'
import { isOperation } from './protocol.ts'

const key = (conversationId: string, seq: number) => `${conversationId} ${seq}`
const targetOf = (operation: Message) => key(operation.conversation_id, Number(operation.content.seq))

/**
 * Applies operations to the messages of this device. Pages of history and operations may cross: whoever comes second
 * finds what the first has written, because both write first and look then.
 */
export class Amendments {
  private readonly store: LocalStore
  private readonly me: string

  constructor(store: LocalStore, me: string) {
    this.store = store
    this.me = me
  }

  /** What the operations among `arrived` make of their targets, those that are here. */
  async of(arrived: Message[]): Promise<Message[]> {
    const operations = arrived.filter(message => isOperation(message.type)).sort((a, b) => a.seq - b.seq)
    if (operations.length === 0)
      return []
    const fresh = new Map(arrived.map(message => [key(message.conversation_id, message.seq), message]))
    const amended = new Map<string, Message>()
    for (const operation of operations) {
      const at = targetOf(operation)
      const target = amended.get(at) ?? fresh.get(at) ?? await this.read(operation.conversation_id, Number(operation.content.seq))
      // Also when a page has brought it so already: who shows it may have it from before that page.
      if (target)
        amended.set(at, amend(target, operation, this.me))
    }
    return [...amended.values()]
  }

  /** After operations were written: targets that came meanwhile. */
  async missed(operations: Message[]): Promise<Message[]> {
    const amended = await this.of(operations.filter(message => isOperation(message.type)))
    if (amended.length > 0)
      await this.store.apply({ messages: amended })
    return amended
  }

  /** After a page was written that shows the operations up to `asOf`: what newer ones, here already, make of it. */
  async ofPage(conversationId: string, messages: Message[], asOf: number): Promise<Message[]> {
    const newer = (await this.store.messages(conversationId, asOf + 1, Infinity, 1000, false))
      .filter(message => isOperation(message.type))
    if (newer.length === 0)
      return messages
    const amended = new Map(messages.map(message => [message.seq, message]))
    for (const operation of newer) {
      const target = amended.get(Number(operation.content.seq))
      if (target)
        amended.set(target.seq, amend(target, operation, this.me))
    }
    const result = [...amended.values()]
    const changed = result.filter((message, index) => message !== messages[index])
    if (changed.length > 0)
      await this.store.apply({ messages: changed })
    return result
  }

  private async read(conversationId: string, seq: number): Promise<Message | undefined> {
    return (await this.store.messages(conversationId, seq, seq, 1, false))[0]
  }
}

/** Of two states of one message, the newer. */
export function newer(a: Message, b: Message | undefined): Message {
  return b && stateOf(b) > stateOf(a) ? b : a
}
