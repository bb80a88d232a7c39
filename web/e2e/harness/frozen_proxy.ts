import type { AddressInfo, Socket, Server as TcpServer } from 'node:net'
import { connect, createServer } from 'node:net'

/**
 * A network that forgets: after freeze() nothing passes over the connections that were open, in either direction, and
 * nobody is told; new ones work. As after sleep, or when a NAT has dropped its entries.
 */
export class FrozenProxy {
  private readonly pairs = new Set<[Socket, Socket]>()
  private readonly server: TcpServer
  private readonly dead = new Set<[Socket, Socket]>()

  private constructor(target: URL) {
    this.server = createServer((client) => {
      const upstream = connect(Number(target.port), target.hostname)
      const pair: [Socket, Socket] = [client, upstream]
      this.pairs.add(pair)
      client.pipe(upstream)
      upstream.pipe(client)
      for (const socket of pair) {
        socket.on('error', () => {})
        socket.on('close', () => {
          if (this.pairs.delete(pair))
            pair.forEach(other => other.destroy())
        })
      }
    })
  }

  static async open(target: string): Promise<FrozenProxy> {
    const proxy = new FrozenProxy(new URL(target))
    await new Promise<void>(resolve => proxy.server.listen(0, '127.0.0.1', resolve))
    return proxy
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`
  }

  /** Connections that nothing passes over any more. */
  get frozen(): number {
    return this.dead.size
  }

  freeze(): void {
    for (const pair of this.pairs) {
      for (const socket of pair) {
        socket.unpipe()
        socket.removeAllListeners('data')
        socket.removeAllListeners('close')
        socket.removeAllListeners('end')
        socket.pause()
      }
      this.dead.add(pair)
    }
    this.pairs.clear()
  }

  close(): void {
    for (const pair of [...this.pairs, ...this.dead]) pair.forEach(socket => socket.destroy())
    this.server.close()
  }
}
