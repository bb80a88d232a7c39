import type { Conversation } from '@simpleim/sdk'
import type { Ref, ShallowRef } from 'vue'
import { computed, ref, shallowRef } from 'vue'
import { useI18n } from 'vue-i18n'
import { useAuth } from '../stores/auth'
import { useMembers } from '../stores/members'

export interface MentionChoice { id: string, name: string, note: string }

const MAX_CHOICES = 8

/** "@" in a group: whom it may mean while it is typed, and whom a finished text mentions. */
export function useMentions(row: () => Conversation, field: Readonly<ShallowRef<HTMLTextAreaElement | null>>, text: Ref<string>) {
  const { t } = useI18n()
  const auth = useAuth()
  const members = useMembers()
  const start = ref(-1)
  const typed = ref('')
  const active = ref(0)
  const chosen = shallowRef(new Map<string, string>())

  const everyone = computed<MentionChoice[]>(() => {
    const group = row().group
    if (!group)
      return []
    const mayCallAll = group.role === 'owner' || group.role === 'admin'
    return [
      ...(mayCallAll ? [{ id: '*', name: t('composer.mentionAll'), note: '' }] : []),
      ...members.of(group.group_id)
        .filter(member => member.user_id !== auth.me)
        .map(member => ({ id: member.user_id, name: member.nickname, note: `@${member.username}` })),
    ]
  })
  const choices = computed(() => {
    const wanted = typed.value.toLocaleLowerCase()
    return everyone.value
      .filter(({ name, note }) => name.toLocaleLowerCase().includes(wanted) || note.slice(1).toLocaleLowerCase().startsWith(wanted))
      .slice(0, MAX_CHOICES)
  })
  const open = computed(() => start.value >= 0 && choices.value.length > 0)

  /** Looks for "@…" before the caret. */
  function update(): void {
    const element = field.value
    const before = element?.value.slice(0, element.selectionStart) ?? ''
    const found = everyone.value.length > 0 ? /(?:^|[\s，。、])@([^\s@]{0,32})$/u.exec(before) : null
    start.value = found ? before.length - found[1]!.length - 1 : -1
    typed.value = found?.[1] ?? ''
    active.value = 0
  }

  function choose(choice: MentionChoice): void {
    const element = field.value
    if (!element)
      return
    const from = start.value >= 0 ? start.value : element.selectionStart
    element.focus()
    element.setRangeText(`@${choice.name} `, from, element.selectionStart, 'end')
    text.value = element.value
    chosen.value = new Map(chosen.value).set(choice.id, choice.name)
    start.value = -1
  }

  function insertUser(userId: string): void {
    const choice = everyone.value.find(({ id }) => id === userId)
    start.value = -1
    if (choice)
      choose(choice)
  }

  /** True when the key was the menu's. */
  function key(event: KeyboardEvent): boolean {
    if (!open.value)
      return false
    const count = choices.value.length
    if (event.key === 'ArrowDown')
      active.value = (active.value + 1) % count
    else if (event.key === 'ArrowUp')
      active.value = (active.value + count - 1) % count
    else if (event.key === 'Enter' || event.key === 'Tab')
      choose(choices.value[active.value]!)
    else if (event.key === 'Escape')
      start.value = -1
    else
      return false
    event.preventDefault()
    return true
  }

  /** The ids of those whose "@name" is in the text. */
  function mentionedIn(final: string): string[] {
    const ids = [...chosen.value].filter(([, name]) => final.includes(`@${name}`)).map(([id]) => id)
    chosen.value = new Map()
    return ids
  }

  return { open, choices, active, update, choose, insertUser, key, mentionedIn }
}
