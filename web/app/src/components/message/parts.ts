import { find } from 'linkifyjs'

export type Part = { kind: 'text' | 'mention', text: string } | { kind: 'link', text: string, href: string }

const SAFE = /^(?:https?|mailto):/i
/** Beyond this a text is shown without links: finding them costs more than they help. */
const MAX_LINKED = 20_000

/** Splits a text into plain parts, links (http, https, mailto only) and mentions ("@" and a name). */
export function partsOf(text: string, mentions: ReadonlyMap<string, string> = new Map()): Part[] {
  const parts: Part[] = []
  let at = 0
  // Most texts have neither; looking closer costs a hundred times as much.
  if (mentions.size === 0 && !text.includes('.') && !text.includes('://'))
    return [{ kind: 'text', text }]
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
