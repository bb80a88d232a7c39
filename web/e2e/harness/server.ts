import type { ChildProcess } from 'node:child_process'
import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { until } from './until'

const BINARY = process.env.SIMPLEIM_BINARY ?? join(import.meta.dirname, '../../../build/release/simpleim')

/** A port below those that the kernel gives to outgoing connections, so that none takes it. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * 22_000)
    const probe = createServer()
    const isFree = await new Promise<boolean>((resolve) => {
      probe.once('error', () => resolve(false))
      probe.listen(port, '127.0.0.1', () => resolve(true))
    })
    await new Promise(resolve => (isFree ? probe.close(resolve) : resolve(undefined)))
    if (isFree)
      return port
  }
}

export interface User { user_id: string, username: string, password: string, nickname: string, token: string }

/** A SimpleIM server of its own: a free port, a temporary folder, ended by its process. */
export class Server {
  url = ''
  private process: ChildProcess | undefined
  private readonly dir = mkdtempSync(join(tmpdir(), 'simpleim-e2e-'))
  private port = 0
  private log = ''
  private made = 0

  /** Cheap password hashes and no limits of attempts: neither is what these tests are about. */
  private readonly flags = [
    '--set',
    'server.admin_listen=',
    '--set',
    'auth.argon2_memory_kib=8192',
    '--set',
    'auth.argon2_iterations=1',
    '--set',
    'limits.registrations_per_minute=100000',
    'limits.reads_per_minute=0',
    'limits.writes_per_minute=0',
    '--set',
    'limits.logins_per_minute=100000',
    '--set',
    'server.drain_seconds=0',
    '--set',
    'limits.messages_per_second=100000',
    '--set',
    'limits.message_burst=100000',
  ]

  /** `settings`: "key=value". */
  constructor(settings: string[] = []) {
    this.flags.push(...settings.flatMap(setting => ['--set', setting]))
  }

  async start(): Promise<this> {
    this.port ||= await freePort()
    this.url = `http://127.0.0.1:${this.port}`
    const args = ['serve', '--data-dir', this.dir, '--listen', `127.0.0.1:${this.port}`, ...this.flags]
    this.process = spawn(BINARY, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    this.process.stdout?.on('data', (text: Buffer) => { this.log += text })
    this.process.stderr?.on('data', (text: Buffer) => { this.log += text })
    await until('the server answers', async () => {
      if (this.process?.exitCode !== null)
        throw new Error(`the server ended: ${this.log}`)
      return await fetch(`${this.url}/health`).then(answer => answer.ok, () => false)
    })
    return this
  }

  private end(signal: NodeJS.Signals): Promise<void> {
    const { process } = this
    this.process = undefined
    if (!process || process.exitCode !== null)
      return Promise.resolve()
    return new Promise((resolve) => {
      process.once('exit', () => resolve())
      process.kill(signal)
    })
  }

  /** As a power cut would: no goodbye. */
  kill = () => this.end('SIGKILL')
  /** The process stands still; its sockets stay open. */
  freeze = () => this.process?.kill('SIGSTOP')
  thaw = () => this.process?.kill('SIGCONT')

  /** What another command of the binary says about this server's folder. */
  command = (...args: string[]) => execFileSync(BINARY, [...args, '--data-dir', this.dir], { encoding: 'utf8' })

  async stop(): Promise<void> {
    await this.end('SIGTERM')
    rmSync(this.dir, { recursive: true, force: true })
  }

  // ---------------------------------------------------------------- through REST

  async call<Data>(method: string, path: string, body?: unknown, token?: string): Promise<Data> {
    const answer = await fetch(this.url + path, {
      method,
      headers: { ...(body ? { 'Content-Type': 'application/json' } : {}), ...(token ? { Authorization: `Bearer ${token}` } : {}) },
      ...(body ? { body: JSON.stringify(body) } : {}),
    })
    const envelope = await answer.json() as { data: Data, error?: string }
    if (!answer.ok)
      throw new Error(`${method} ${path}: ${answer.status} ${envelope.error}`)
    return envelope.data
  }

  async user(nickname: string): Promise<User> {
    const username = `u${++this.made}_${Math.random().toString(36).slice(2, 8)}`
    const password = 'plum-tractor-9'
    await this.call('POST', '/api/register', { username, password, nickname })
    const { user_id, token } = await this.call<User>('POST', '/api/login', { username, password, device_id: 'rest' })
    return { user_id, username, password, nickname, token }
  }

  /** Marks everything up to `seq` as read, as another device of the user would. */
  async read(user: User, conversation_id: string, seq: number): Promise<void> {
    const { Wire } = await import('./socket')
    const wire = await Wire.open(this, user)
    wire.mark(conversation_id, seq)
    interface List { conversations: { conversation_id: string, read_seq: number }[] }
    await until('the mark is stored', async () => {
      const list = await this.call<List>('GET', '/api/conversations', undefined, user.token)
      return list.conversations.some(row => row.conversation_id === conversation_id && row.read_seq === seq)
    })
    wire.close()
  }

  group(owner: User, name: string, members: User[]): Promise<{ group_id: string, conversation_id: string }> {
    return this.call('POST', '/api/groups', { name, member_ids: members.map(user => user.user_id) }, owner.token)
  }
}
