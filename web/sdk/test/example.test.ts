import type { ChildProcess } from 'node:child_process'
import { execFile, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'

const run = promisify(execFile)
const sdk = join(import.meta.dirname, '..')
const binary = process.env.SIMPLEIM_BINARY ?? join(sdk, '../../build/release/simpleim')
const dir = mkdtempSync(join(tmpdir(), 'simpleim-sdk-'))
let server: ChildProcess
let url = ''

async function call(path: string, body: object): Promise<Response> {
  return await fetch(url + path, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) })
}

beforeAll(async () => {
  const port = 10_000 + Math.floor(Math.random() * 22_000)
  url = `http://127.0.0.1:${port}`
  server = spawn(binary, ['serve', '--data-dir', dir, '--listen', `127.0.0.1:${port}`, '--set', 'server.admin_listen='])
  const deadline = Date.now() + 15_000
  while (!await fetch(`${url}/health`).then(answer => answer.ok, () => false)) {
    if (Date.now() > deadline)
      throw new Error('the server does not answer')
    await new Promise(resolve => setTimeout(resolve, 25))
  }
  await run('npm', ['run', 'build'], { cwd: sdk })
}, 120_000)

afterAll(() => {
  server.kill('SIGTERM')
  rmSync(dir, { recursive: true, force: true })
})

test('the ten lines of the README work in Node, with what is published, against a real server', async () => {
  const example = readFileSync(join(sdk, 'examples/hello.mjs'), 'utf8')
  expect(readFileSync(join(sdk, 'README.md'), 'utf8')).toContain(example.trim())
  for (const username of ['ada', 'bob']) expect((await call('/api/register', { username, password: 'plum-tractor-9' })).status).toBe(200)
  const listening = spawn(process.execPath, ['examples/hello.mjs', url, 'bob', 'plum-tractor-9', 'ada', 'hello, Ada'], { cwd: sdk })
  let heard = ''
  listening.stdout.on('data', (text: Buffer) => { heard += text })
  const speaking = spawn(process.execPath, ['examples/hello.mjs', url, 'ada', 'plum-tractor-9', 'bob', 'hello, Bob'], { cwd: sdk })
  const deadline = Date.now() + 15_000
  while (!heard.includes('hello, Bob') && Date.now() < deadline) await new Promise(resolve => setTimeout(resolve, 25))
  listening.kill()
  speaking.kill()
  expect(heard).toContain('hello, Bob')
}, 60_000)
