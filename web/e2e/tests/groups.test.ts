import { expect, test } from 'vitest'
import { bubble, conversation, say, useScene } from '../harness/scene'
import { until } from '../harness/until'

const scene = useScene()

test('a group is made, talked in, grown and shrunk; everybody sees what happens', async () => {
  const [bob, eve] = [await scene.server.user('Bob'), await scene.server.user('Eve')]
  const ada = await scene.person('Ada')
  const bobs = await scene.person(bob)
  const eves = await scene.person(eve)

  await ada.page.getByTestId('group-create').click()
  await ada.page.getByTestId('group-name').fill('Picnic 野餐')
  await ada.page.getByTestId('group-member-search').fill(bob.username)
  await ada.page.locator(`[data-testid="group-member-option"][data-user-id="${bob.user_id}"]`).click()
  await ada.page.getByTestId('group-submit').click()
  await ada.page.getByTestId('chat-title').getByText('Picnic 野餐').waitFor()
  await ada.page.getByTestId('event').getByText('You created the group with Bob').waitFor()

  const entry = bobs.page.getByTestId('conversation').filter({ hasText: 'Picnic 野餐' })
  await entry.click()
  await say(bobs.page, 'who brings cake?')
  await bubble(ada.page, 'who brings cake?').waitFor()
  await expect.poll(() => ada.page.getByTestId('message-sender').innerText()).toBe('Bob')

  // Invite.
  await ada.page.getByTestId('details-open').click()
  await ada.page.getByTestId('group-add').click()
  await ada.page.getByTestId('group-member-search').fill(eve.username)
  await ada.page.locator(`[data-testid="group-member-option"][data-user-id="${eve.user_id}"]`).click()
  await ada.page.getByTestId('group-add-submit').click()
  await ada.page.locator(`[data-testid="group-member"][data-user-id="${eve.user_id}"]`).waitFor()
  await eves.page.getByTestId('conversation').filter({ hasText: 'Picnic 野餐' }).click()
  await say(eves.page, 'I do!')
  await bubble(bobs.page, 'I do!').waitFor()

  // Kick.
  await ada.page.locator(`[data-testid="group-member"][data-user-id="${bob.user_id}"]`).getByTestId('member-menu').click()
  await ada.page.getByTestId('member-kick').click()
  await ada.page.getByTestId('confirm').click()
  await bobs.page.getByTestId('toast').getByText('You were removed from “Picnic 野餐”.').waitFor()
  await entry.waitFor({ state: 'detached' })

  // Leave.
  await eves.page.getByTestId('details-open').click()
  await eves.page.getByTestId('group-leave').click()
  await eves.page.getByTestId('confirm').click()
  await eves.page.getByTestId('conversation').filter({ hasText: 'Picnic 野餐' }).waitFor({ state: 'detached' })
  await ada.page.getByTestId('event').getByText('Eve left').waitFor()
  await expect.poll(() => ada.page.getByTestId('group-member').count()).toBe(1)
})

test('roles, muting, announcement, name and transfer', async () => {
  const bob = await scene.server.user('Bob')
  const ada = await scene.person('Ada')
  const bobs = await scene.person(bob)
  const group = await scene.server.group(ada.user, 'Choir', [bob])
  for (const page of [ada.page, bobs.page]) await page.locator(`[data-conversation-id="${group.conversation_id}"]`).click()
  await ada.page.getByTestId('details-open').click()
  const member = ada.page.locator(`[data-testid="group-member"][data-user-id="${bob.user_id}"]`)

  await member.getByTestId('member-menu').click()
  await ada.page.getByTestId('member-mute').click()
  await ada.page.getByText('Muted until').waitFor()
  await say(bobs.page, 'mmm')
  await bobs.page.getByText('You are muted in this group.').waitFor()
  await member.getByTestId('member-menu').click()
  await ada.page.getByTestId('member-unmute').click()
  await until('Bob may speak', async () => !await ada.page.getByText('Muted until').isVisible())
  await bobs.page.getByTestId('message-retry').click()
  await bubble(ada.page, 'mmm').waitFor()

  await ada.page.getByTestId('group-edit').click()
  await ada.page.getByTestId('group-edit-name').fill('Big choir')
  await ada.page.getByTestId('group-edit-announcement').fill('Rehearsal on Friday')
  await ada.page.getByTestId('group-edit-save').click()
  await bobs.page.getByTestId('chat-title').getByText('Big choir').waitFor()
  await bobs.page.getByTestId('details-open').click()
  await bobs.page.getByTestId('group-announcement').getByText('Rehearsal on Friday').waitFor()

  await member.getByTestId('member-menu').click()
  await ada.page.getByTestId('member-admin').click()
  await bobs.page.locator(`[data-user-id="${bob.user_id}"][data-role="admin"]`).waitFor()
  await member.getByTestId('member-menu').click()
  await ada.page.getByTestId('member-transfer').click()
  await ada.page.getByTestId('confirm').click()
  await bobs.page.locator(`[data-user-id="${bob.user_id}"][data-role="owner"]`).waitFor()

  await bobs.page.getByTestId('group-nickname').click()
  await bobs.page.getByTestId('group-nickname-input').fill('Bass')
  await bobs.page.getByTestId('group-nickname-save').click()
  await say(bobs.page, 'la la')
  await ada.page.getByTestId('message-sender').last().getByText('Bass').waitFor()

  await bobs.page.getByTestId('group-dissolve').click()
  await bobs.page.getByTestId('confirm').click()
  await ada.page.getByTestId('toast').getByText('“Big choir” was dissolved.').waitFor()
})

test('join by link, ask to join, be let in', async () => {
  const owner = await scene.person('Olga')
  const open = await scene.server.group(owner.user, 'Open house', [])
  const guarded = await scene.server.group(owner.user, 'Guarded house', [])
  await scene.server.call('PATCH', `/api/groups/${guarded.group_id}`, { join_policy: 'approval' }, owner.user.token)
  const ada = await scene.person('Ada')
  await ada.page.goto(`/join/${open.group_id}`)
  await ada.page.getByTestId('chat-title').getByText('Open house').waitFor()

  await ada.page.goto('/')
  await ada.page.getByTestId('new-menu').click()
  await ada.page.getByTestId('group-join').click()
  await ada.page.getByTestId('join-input').fill('nonsense')
  await ada.page.getByTestId('join-submit').click()
  await ada.page.getByRole('alert').getByText('A group id looks like').waitFor()
  await ada.page.getByTestId('join-input').fill(`${scene.server.url}/join/${guarded.group_id}`)
  await ada.page.getByTestId('join-submit').click()
  await ada.page.getByTestId('join-requested').waitFor()
  await owner.page.goto(`/group/${guarded.group_id}`)
  await owner.page.getByTestId('join-approve').click()
  await ada.page.goto('/')
  await ada.page.getByTestId('conversation').filter({ hasText: 'Guarded house' }).waitFor()
})

test('who has read a message in a group', async () => {
  const [bob, eve] = [await scene.server.user('Bob'), await scene.server.user('Eve')]
  const ada = await scene.person('Ada')
  const bobs = await scene.person(bob)
  const group = await scene.server.group(ada.user, 'Readers', [bob, eve])
  await ada.page.locator(`[data-conversation-id="${group.conversation_id}"]`).click()
  await say(ada.page, 'read me')
  await bobs.page.locator(`[data-conversation-id="${group.conversation_id}"]`).click()
  await bubble(bobs.page, 'read me').waitFor()
  await ada.page.locator('[data-testid="read-count"][data-read="1"]').click()
  await ada.page.getByText('Read (1)').waitFor()
  await ada.page.getByText('Not yet (1)').waitFor()
  expect(await ada.page.getByTestId('reader').evaluateAll(rows => rows.map(row => row.getAttribute('data-user-id')))).toEqual([bob.user_id, eve.user_id])
})

test('many who join one after the other make a member ask once, not each time', async () => {
  const ada = await scene.person('Ada')
  const others = await Promise.all(Array.from({ length: 12 }, (_, n) => scene.server.user(`Guest ${n}`)))
  const group = await scene.server.group(ada.user, 'Open house', [])
  const asked: string[] = []
  ada.page.on('websocket', socket => socket.on('framesent', ({ payload }) => {
    const path = /"path":"([^"]+)"/.exec(String(payload))?.[1] // a query is JSON in binary frames, too
    if (path?.startsWith(`/api/groups/${group.group_id}`))
      asked.push(path)
  }))
  ada.page.on('request', (request) => {
    const { pathname } = new URL(request.url())
    if (pathname.startsWith(`/api/groups/${group.group_id}`))
      asked.push(pathname)
  })
  await ada.page.reload()
  await conversation(ada.page, group.conversation_id).click()
  await ada.page.getByTestId('event').first().waitFor()
  asked.length = 0
  await Promise.all(others.map(other => scene.server.call('POST', `/api/groups/${group.group_id}/join`, {}, other.token)))
  await ada.page.getByText('13 members').first().waitFor()
  expect(asked.length).toBeGreaterThan(0)
  expect(asked.length).toBeLessThan(others.length)
})
