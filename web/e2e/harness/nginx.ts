import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from './server'
import { until } from './until'

/** nginx with a SimpleIM server under a path beside something else, as somebody has it who has one host name. */
export class Nginx {
  url = ''
  private process: ChildProcess | undefined
  private readonly dir = mkdtempSync(join(tmpdir(), 'simpleim-nginx-'))
  private port = 0

  /** Where `path` ("/chat/") will be. */
  async reserve(path: string): Promise<string> {
    this.port = await freePort()
    this.url = `http://127.0.0.1:${this.port}${path}`
    return this.url
  }

  async start(server: string): Promise<void> {
    const path = new URL(this.url).pathname
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(kind => `${kind}_temp_path ${this.dir}/${kind};`).join(' ')
    writeFileSync(join(this.dir, 'nginx.conf'), `
      daemon off; pid ${this.dir}/pid; error_log stderr; events {}
      http {
        access_log off; ${temporary}
        map $http_upgrade $connection_header { default upgrade; '' ''; }
        server {
          listen 127.0.0.1:${this.port};
          client_max_body_size 0;
          location = / { return 200 'another site'; }
          location ${path} {
            proxy_pass ${server}/;
            proxy_http_version 1.1;
            proxy_request_buffering off;
            proxy_set_header Host $http_host;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            proxy_set_header X-Forwarded-Proto $scheme;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection $connection_header;
          }
        }
      }`)
    this.process = spawn('/usr/sbin/nginx', ['-c', join(this.dir, 'nginx.conf')], { stdio: 'ignore' })
    await until('nginx answers', () => fetch(`${this.url}health`).then(answer => answer.ok, () => false))
  }

  async stop(): Promise<void> {
    const { process } = this
    if (process && process.exitCode === null) {
      const ended = new Promise(resolve => process.once('exit', resolve))
      process.kill('SIGTERM')
      await ended
    }
    rmSync(this.dir, { recursive: true, force: true })
  }
}
