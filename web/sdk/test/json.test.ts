import { expect, test } from 'vitest'
import { wellFormedJson } from '../src/json.ts'

test('half a character becomes a replacement character, and nothing else changes', () => {
  const through = (text: string) => (JSON.parse(wellFormedJson({ text })) as { text: string }).text
  expect(through('ok \uD83D')).toBe('ok \uFFFD')
  expect(through('\uDE00x\uD83D')).toBe('\uFFFDx\uFFFD')
  expect(through('a\\\uD83Db')).toBe('a\\\uFFFDb')
  for (const text of ['😀', '\\ud83d', '\\\\ud83d', '\\\\\\ud83d', 'C:\\ud83d\\x', '"\\ud800"', '\u2028', '中'])
    expect(through(text)).toBe(text)
})
