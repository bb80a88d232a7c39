// Packs a folder of built files into two sources for the server: assets.S holds the bytes (plain, gzip, brotli),
// assets.cpp the table of server/api/client/assets.h. Usage: pack.mjs DIST OUT
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { extname, join, relative, sep } from 'node:path'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'

const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.webmanifest': 'application/manifest+json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.mp3': 'audio/mpeg',
  '.ogg': 'audio/ogg',
  '.txt': 'text/plain; charset=utf-8',
}
/** A compressed form is kept when it saves a tenth; pictures and fonts are compressed already. */
const COMPRESSED = new Set(['.png', '.woff2', '.mp3', '.ogg'])

const [dist, out] = process.argv.slice(2)

function files(folder) {
  return readdirSync(folder, { withFileTypes: true })
    .flatMap(entry => entry.isDirectory() ? files(join(folder, entry.name)) : [join(folder, entry.name)])
}

function encodings(bytes, extension) {
  const worth = packed => (packed.length < bytes.length * 0.9 ? packed : Buffer.alloc(0))
  if (COMPRESSED.has(extension))
    return { plain: bytes, gzip: Buffer.alloc(0), brotli: Buffer.alloc(0) }
  const quality = { [constants.BROTLI_PARAM_QUALITY]: 11 }
  return { plain: bytes, gzip: worth(gzipSync(bytes, { level: 9 })), brotli: worth(brotliCompressSync(bytes, { params: quality })) }
}

const blob = []
let size = 0
function place(bytes) {
  const at = size
  blob.push(bytes)
  size += bytes.length
  return `{simpleim_assets + ${at}, ${bytes.length}}`
}

const rows = files(dist)
  .map(file => ({ file, path: `/${relative(dist, file).split(sep).join('/')}` }))
  .sort((a, b) => (a.path < b.path ? -1 : 1))
  .map(({ file, path }) => {
    const extension = extname(file)
    const type = TYPES[extension]
    if (!type)
      throw new Error(`${path}: no content type for ${extension}; add it to pack.mjs`)
    const bytes = readFileSync(file)
    const etag = createHash('sha256').update(bytes).digest('base64url').slice(0, 22)
    const { plain, gzip, brotli } = encodings(bytes, extension)
    const immutable = path.startsWith('/assets/')
    return `    {"${path}", "${type}", "\\"${etag}\\"", ${immutable}, ${place(plain)}, ${place(gzip)}, ${place(brotli)}},`
  })

writeFileSync(join(out, 'assets.bin'), Buffer.concat(blob))
writeFileSync(join(out, 'assets.S'), `.section .rodata
.global simpleim_assets
.balign 16
simpleim_assets:
.incbin "${join(out, 'assets.bin')}"
.section .note.GNU-stack,"",%progbits
`)
writeFileSync(join(out, 'assets.cpp'), `#include "api/client/assets.h"

#include <array>

extern "C" const char simpleim_assets[];

namespace simpleim::api {

Assets embedded_assets() {
  static const std::array<Asset, ${rows.length}> kAssets{{
${rows.join('\n')}
  }};
  return kAssets;
}

}  // namespace simpleim::api
`)
