import type { Profile } from '@simpleim/sdk'
import { refDebounced } from '@vueuse/core'
import { ref, shallowRef, watch } from 'vue'
import { im } from '../im'
import { useAuth } from '../stores/auth'
import { useAvatars } from '../stores/avatars'

/** People whose name begins with what is typed; the server is asked when the typing pauses. */
export function useUserSearch() {
  const auth = useAuth()
  const avatars = useAvatars()
  const query = ref('')
  const found = shallowRef<Profile[]>([])
  const searching = ref(false)
  const settled = refDebounced(query, 150)

  watch(query, (text) => {
    searching.value = text.trim() !== ''
    if (!text.trim())
      found.value = []
  })
  watch(settled, async (text) => {
    const q = text.trim()
    if (!q)
      return
    let users: Profile[] = []
    try {
      users = (await im.call(api => api.GET('/api/users', { params: { query: { q, limit: 20 } } }))).users
    }
    catch {
      // The banner says that the server is away; chats are still found.
    }
    if (q !== query.value.trim())
      return
    found.value = users.filter(user => user.user_id !== auth.me)
    im.learn(users)
    users.forEach(user => avatars.learn(user.user_id, user.avatar_file_id))
    searching.value = false
  })

  return { query, found, searching }
}
