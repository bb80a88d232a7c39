import { find } from 'linkifyjs'

export type Part
  = | { kind: 'text' | 'mention' | 'bold' | 'strike' | 'code', text: string }
    | { kind: 'link', text: string, href: string }
    | { kind: 'block', text: string, language: string }

const SAFE = /^(?:https?|mailto):/i
/** Beyond this a text is shown without links: finding them costs more than they help. */
const MAX_LINKED = 20_000
/** Marks are looked for only where one could be. */
const MARKED = /`|\*\*|~~/

/**
 * Splits a text into plain parts, links (http, https, mailto only), mentions ("@" and a name) and what people mark:
 * `code`, blocks of it between lines of ```, **bold** and ~~struck out~~. Nothing of it is ever HTML.
 */
export function partsOf(text: string, mentions: ReadonlyMap<string, string> = new Map()): Part[] {
  // Most texts have nothing of it; looking closer costs a hundred times as much.
  if (mentions.size === 0 && !text.includes('.') && !text.includes('://') && !MARKED.test(text))
    return [{ kind: 'text', text }]
  return blocksIn(text).flatMap(part => (part.kind === 'text' ? codeIn(part.text).flatMap(piece => (piece.kind === 'text' ? linksIn(piece.text, mentions) : [piece])) : [part]))
}

/** The pieces between what `open` begins and `close` ends. */
function between(text: string, mark: string, kind: 'bold' | 'strike' | 'code'): Part[] {
  const parts: Part[] = []
  let at = 0
  for (;;) {
    const open = text.indexOf(mark, at)
    const close = open < 0 ? -1 : text.indexOf(mark, open + mark.length)
    if (close < 0)
      break
    const inner = text.slice(open + mark.length, close)
    // Marks stand close to what they mark: "2 ** 3 ** 4" is arithmetic.
    if (inner.trim() !== inner || inner === '' || inner.includes('\n')) {
      parts.push({ kind: 'text', text: text.slice(at, open + mark.length) })
      at = open + mark.length
      continue
    }
    parts.push({ kind: 'text', text: text.slice(at, open) }, { kind, text: inner })
    at = close + mark.length
  }
  parts.push({ kind: 'text', text: text.slice(at) })
  return parts.filter(part => part.text !== '')
}

/** Of each line, the next one that closes a block; -1: none does. From the end, so that fences without number cost no more. */
function closings(lines: string[]): number[] {
  const next: number[] = []
  let close = -1
  for (let n = lines.length - 1; n >= 0; n--) {
    next[n] = close
    if (lines[n]!.trimEnd() === '```')
      close = n
  }
  return next
}

function blocksIn(text: string): Part[] {
  const parts: Part[] = []
  const lines = text.split('\n')
  const next = closings(lines)
  let plain: string[] = []
  for (let n = 0; n < lines.length; n++) {
    const open = /^```([\w+#.-]{0,20})\s*$/.exec(lines[n]!)
    const close = open ? next[n]! : -1
    if (!open || close < 0) {
      plain.push(lines[n]!)
      continue
    }
    if (plain.length > 0)
      parts.push({ kind: 'text', text: plain.join('\n') })
    plain = []
    parts.push({ kind: 'block', text: lines.slice(n + 1, close).join('\n'), language: open[1]! })
    n = close
  }
  if (plain.length > 0)
    parts.push({ kind: 'text', text: plain.join('\n') })
  return parts
}

function codeIn(text: string): Part[] {
  return between(text, '`', 'code').flatMap(part => (part.kind === 'text'
    ? between(part.text, '**', 'bold').flatMap(piece => (piece.kind === 'text' ? between(piece.text, '~~', 'strike') : [piece]))
    : [part]))
}

function linksIn(text: string, mentions: ReadonlyMap<string, string>): Part[] {
  const parts: Part[] = []
  let at = 0
  for (const link of text.length <= MAX_LINKED ? find(text) : []) {
    if (!link.isLink || !SAFE.test(link.href))
      continue
    parts.push(...mentionsIn(text.slice(at, link.start), mentions))
    parts.push({ kind: 'link', text: link.value, href: link.href })
    at = link.end
  }
  parts.push(...mentionsIn(text.slice(at), mentions))
  return parts
}

function mentionsIn(text: string, mentions: ReadonlyMap<string, string>): Part[] {
  const parts: Part[] = []
  const names = [...mentions.values()].filter(Boolean).sort((a, b) => b.length - a.length)
  let plain = ''
  for (let at = 0; at < text.length;) {
    const name = text[at] === '@' ? names.find(candidate => text.startsWith(candidate, at + 1)) : undefined
    if (name === undefined) {
      plain += text[at++]
      continue
    }
    if (plain)
      parts.push({ kind: 'text', text: plain })
    plain = ''
    parts.push({ kind: 'mention', text: `@${name}` })
    at += name.length + 1
  }
  if (plain)
    parts.push({ kind: 'text', text: plain })
  return parts
}
