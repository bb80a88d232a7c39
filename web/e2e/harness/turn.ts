import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from './server'
import { until } from './until'

const SECRET = 'only for these tests'

/** A coturn of its own on loopback. */
export class TurnServer {
  private process: ChildProcess | undefined
  private readonly dir = mkdtempSync(join(tmpdir(), 'simpleim-turn-'))
  private port = 0
  private log = ''

  /** What a SimpleIM server has to know of it. */
  async start(): Promise<string[]> {
    const port = this.port ||= await freePort()
    this.log = ''
    const flags = ['-n', '--use-auth-secret', `--static-auth-secret=${SECRET}`, '--realm=simpleim', '--listening-ip=127.0.0.1', `--listening-port=${port}`, '--relay-ip=127.0.0.1', '--min-port=33000', '--max-port=33999', '--allow-loopback-peers', '--no-tls', '--no-dtls', '--no-cli', '--verbose', '--log-file=stdout', `--pidfile=${this.dir}/pid`, `--userdb=${this.dir}/users`]
    this.process = spawn('turnserver', flags, { stdio: ['ignore', 'pipe', 'pipe'] })
    this.process.stdout?.on('data', (text: Buffer) => { this.log += text })
    this.process.stderr?.on('data', (text: Buffer) => { this.log += text })
    await until('the relay listens', () => {
      if (this.process?.exitCode !== null)
        throw new Error(`the relay ended: ${this.log}`)
      return this.log.includes(`UDP listener opened on: 127.0.0.1:${port}`) || this.log.includes(`listener opened on : 127.0.0.1:${port}`)
    })
    return [`rtc.turn_urls=turn:127.0.0.1:${port}?transport=udp`, `rtc.turn_secret=${SECRET}`]
  }

  /** How many relayed addresses it gave away. */
  get allocations(): number {
    return this.log.match(/ALLOCATE processed, success/g)?.length ?? 0
  }

  /** At once; start() brings it back at its old place. */
  async kill(): Promise<void> {
    const { process } = this
    if (!process || process.exitCode !== null)
      return
    const ended = new Promise(resolve => process.once('exit', resolve))
    process.kill('SIGKILL')
    await ended
  }

  /** Stands still for most of the time: what goes through it comes late, in gusts. Returns what ends it. */
  struggle(): () => void {
    const STILL_MS = 1200
    const MOVES_MS = 300
    let timer: ReturnType<typeof setTimeout>
    const turn = (still: boolean) => {
      this.process?.kill(still ? 'SIGSTOP' : 'SIGCONT')
      timer = setTimeout(turn, still ? STILL_MS : MOVES_MS, !still)
    }
    turn(true)
    return () => {
      clearTimeout(timer)
      this.process?.kill('SIGCONT')
    }
  }

  async stop(): Promise<void> {
    await this.kill()
    rmSync(this.dir, { recursive: true, force: true })
  }
}
