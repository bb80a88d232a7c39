// Writes sdk/src/generated/frame_types.ts from the server's list of frame types.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const here = import.meta.dirname
const list = readFileSync(join(here, '../../server/protocol/frame_types.def'), 'utf8')
const frames = Array.from(list.matchAll(/^FRAME\((\d+), k\w+, (\w+), (\w+)\)$/gm), ([, number, name, kind]) => ({ number, name, kind }))
if (frames.length === 0 || frames.length !== list.split('\nFRAME(').length - 1)
  throw new Error('server/protocol/frame_types.def: a line is not FRAME(number, constant, name, kind)')

const set = (...kinds) => `new Set<number>([${frames.filter(frame => kinds.includes(frame.kind)).map(frame => frame.number).join(', ')}])`
const folder = join(here, '../sdk/src/generated')
mkdirSync(folder, { recursive: true })
writeFileSync(join(folder, 'frame_types.ts'), `/** Made from server/protocol/frame_types.def by web/scripts/frame-types.mjs. */
export const FrameType = {
${frames.map(frame => `  ${frame.name}: ${frame.number},`).join('\n')}
} as const

/** What people write: counts as unread. */
export const COUNTED: ReadonlySet<number> = ${set('Text', 'File')}
/** Stands in a conversation as a message. */
export const SHOWN: ReadonlySet<number> = ${set('Text', 'File', 'Event')}
/** Messages that carry a file. */
export const FILES: ReadonlySet<number> = ${set('File')}
/** Done to an earlier message; has a seq of its own. */
export const OPERATIONS: ReadonlySet<number> = ${set('Operation')}
`)
