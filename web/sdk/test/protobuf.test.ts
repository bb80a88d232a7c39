import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { decodeFrame, encodeFrame } from '../src/protobuf.ts'

interface Vector { name: string, json: Record<string, unknown> & { type: number }, binary: string }

/** Frames in both forms, which every SDK and the server read. */
function vectors(file: string): Vector[] {
  return JSON.parse(readFileSync(new URL(`../../../proto/vectors/${file}`, import.meta.url), 'utf8')) as Vector[]
}
const bytes = (hex: string) => new Uint8Array(Buffer.from(hex, 'hex'))

describe('binary frames', () => {
  test.each(vectors('server.json'))('of the server: $name', ({ json, binary }) => {
    expect(decodeFrame(bytes(binary))).toEqual(json)
  })

  test.each(vectors('client.json'))('of a client: $name', ({ json, binary }) => {
    expect(Buffer.from(encodeFrame(json)).toString('hex')).toBe(binary)
  })

  test('skip what a later release adds', () => {
    const [{ json, binary }] = vectors('server.json') as [Vector]
    expect(decodeFrame(bytes(`${binary}a20603616263`))).toEqual(json)
  })

  test('that are cut or none are refused, not misread', () => {
    const whole = bytes(vectors('server.json')[0]!.binary)
    expect(() => decodeFrame(whole.subarray(0, whole.length - 1))).toThrow()
    expect(() => decodeFrame(new Uint8Array([0x0F]))).toThrow()
  })

  test('carry half a character as the mark for one, as JSON frames do', () => {
    const sent = encodeFrame({ type: 1, to: 'user_bbbbbbbbbbbbb', content: { text: 'a\uD83D' } })
    expect(decodeFrame(sent).content).toEqual({ text: 'a\uFFFD' })
    const open = encodeFrame({ type: 1, to: 'user_bbbbbbbbbbbbb', content: { text: 'a\uD83D', mood: 'b\uDC00' } })
    expect(decodeFrame(open).content).toEqual({ text: 'a\uFFFD', mood: 'b\uFFFD' })
  })

  test('hold any content that fits no message, exactly', () => {
    for (const content of [{ text: 5 }, { text: 'x', at_user_ids: [1] }, { text: 'x', reply_to: '' }, { text: 'x', at_user_ids: 'all' }])
      expect(decodeFrame(encodeFrame({ type: 1, content })).content).toEqual(content)
    const far = { conversation_id: 'group:g', seq: 2 ** 40 }
    expect(decodeFrame(encodeFrame({ type: 31, content: far })).content).toEqual(far)
  })
})
