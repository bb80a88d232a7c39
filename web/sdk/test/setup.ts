import type { SimpleIMOptions } from '../src/client.ts'
import type { LocalStore } from '../src/store/local_store.ts'
import type { FakeServer } from './fake_server.ts'
import { memoryKeeper, MemoryStore, SimpleIM } from '../src/index.ts'
import { ManualAlarms, seeded } from './fake_server.ts'

export function client(server: FakeServer, store: LocalStore = new MemoryStore(), alarms = new ManualAlarms(), options: Partial<SimpleIMOptions> = {}) {
  const keeper = memoryKeeper('device')
  keeper.save({
    user_id: server.me,
    username: 'me',
    nickname: 'Me',
    session_id: 'session_aaaaaaaaaaaaa',
    device_id: 'device',
    token: 'token',
    refresh_token: 'refresh',
    expires_at: Date.now() + 7 * 86_400_000,
  })
  const im = new SimpleIM({
    baseUrl: 'http://server.test',
    keeper,
    alarms,
    openStore: async () => store,
    fetch: server.fetch as typeof fetch,
    openSocket: server.open,
    random: seeded(7),
    alone: true,
    ...options,
  })
  return { im, alarms, store }
}

/** Lets everything that is under way finish. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 12; i++) await new Promise(resolve => setImmediate(resolve))
}
