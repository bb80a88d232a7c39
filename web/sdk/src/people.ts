import type { Emitter } from './emitter.ts'
import type { Events, Presence, UserName } from './model.ts'
import type { Rest } from './rest.ts'
import type { LocalStore } from './store/local_store.ts'

/** Names and presence of the users that appear on the screen. */
export class People {
  private readonly names = new Map<string, UserName>()
  private readonly presences = new Map<string, Presence>()
  private readonly asked = new Set<string>()
  private readonly store: LocalStore
  private readonly rest: Rest
  private readonly events: Pick<Emitter<Events>, 'emit'>

  constructor(store: LocalStore, rest: Rest, events: Pick<Emitter<Events>, 'emit'>) {
    this.store = store
    this.rest = rest
    this.events = events
  }

  /** What is known of a user; what is not is looked up, and told with a `user` event. */
  get(userId: string): UserName | undefined {
    const known = this.names.get(userId)
    if (!known && !this.asked.has(userId)) {
      this.asked.add(userId)
      void this.look(userId)
    }
    return known
  }

  presence(userId: string): Presence | undefined {
    return this.presences.get(userId)
  }

  learn(users: UserName[]): void {
    const fresh = users.filter((user) => {
      const known = this.names.get(user.user_id)
      return !known || known.nickname !== user.nickname || known.username !== user.username
    })
    if (fresh.length === 0)
      return
    for (const user of fresh) this.events.emit('user', user)
    void this.store.apply({ users: fresh.map(({ user_id, username, nickname }) => ({ user_id, username, nickname })) })
      .catch(() => {}) // a name that is not kept is looked up again
  }

  /** A `user` event of this or another tab. */
  rename(user: UserName): void {
    this.names.set(user.user_id, user)
  }

  hear(presence: Presence): void {
    this.presences.set(presence.user_id, presence)
  }

  private async look(userId: string): Promise<void> {
    try {
      const [kept] = await this.store.users([userId])
      if (kept)
        this.events.emit('user', kept)
      const found = await this.rest.call(api => api.GET('/api/users/{id}', { params: { path: { id: userId } } }))
      this.learn([found])
    }
    catch {
      this.asked.delete(userId) // asked again when it is shown again
    }
  }
}
