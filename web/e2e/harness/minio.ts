import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from './server'
import { until } from './until'

const BINARY = join(import.meta.dirname, '../../../build/tools/minio')

/** An S3 server of its own (scripts/install-go-tool.sh minio). */
export class Minio {
  url = ''
  private process: ChildProcess | undefined
  private readonly dir = mkdtempSync(join(tmpdir(), 'simpleim-minio-'))

  /** What a SimpleIM server has to know of it, when browsers may reach it, too. */
  async start(): Promise<string[]> {
    const port = await freePort()
    this.url = `http://127.0.0.1:${port}`
    this.process = spawn(BINARY, ['server', '--quiet', '--address', `127.0.0.1:${port}`, '--console-address', `127.0.0.1:${await freePort()}`, this.dir], { stdio: 'ignore' })
    await until('MinIO answers', () => fetch(`${this.url}/minio/health/ready`).then(answer => answer.ok, () => false), 60_000)
    return [`files.s3=http://minioadmin:minioadmin@127.0.0.1:${port}/simpleim`, `files.s3_public=${this.url}`]
  }

  async stop(): Promise<void> {
    const { process } = this
    if (process && process.exitCode === null) {
      const ended = new Promise(resolve => process.once('exit', resolve))
      process.kill('SIGKILL')
      await ended
    }
    rmSync(this.dir, { recursive: true, force: true })
  }
}
