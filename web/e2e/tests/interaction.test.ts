import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { useScene } from '../harness/scene'

const scene = useScene()
const DOCUMENT = join(import.meta.dirname, '../../../docs/frontend-backend-interaction.md')

test('what the document shows runs as it stands', async () => {
  const blocks = Array.from(readFileSync(DOCUMENT, 'utf8').matchAll(/^```js\n(.*?)^```$/gms), ([, code]) => code!)
  expect(blocks.length).toBe(5)
  const { page } = await scene.visitor(await scene.server.user('Reader'))
  await page.goto('/login')
  const told = await page.evaluate(`(async () => {
    ${blocks.join('\n')}
    return { order: conversation_id === message.conversation_id && message.seq === seq && seq === 1, text: message.content.text, group: welcome.group_id === group.group_id,
      missed: missed.messages.map(one => one.content.text ?? one.type), pushed: pushed.content.text, from: sent.from === ada.user_id, width: image.naturalWidth }
  })()`)
  expect(told).toEqual({ order: true, text: 'Hello, Bob', group: true, missed: ['Are you there?'], pushed: 'Are you there?', from: true, width: 300 })
})
