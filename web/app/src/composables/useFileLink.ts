import type { FileContent } from '@simpleim/sdk'
import { onScopeDispose, shallowRef, watch } from 'vue'
import { im } from '../im'

export interface FileLink { url: string, thumbnail: string, failed: boolean }

/** Links of a file that work without a token, fetched when they are wanted; the picture itself while it waits for its upload. */
export function useFileLink(content: () => Partial<FileContent>, blob: () => Blob | undefined) {
  const link = shallowRef<FileLink>({ url: '', thumbnail: '', failed: false })
  let local = ''

  async function load(): Promise<void> {
    const id = content().file_id
    if (!id)
      return
    try {
      const file = await im.file(id)
      link.value = { url: file?.url ?? '', thumbnail: file?.thumbnail_url ?? '', failed: !file }
    }
    catch {
      link.value = { ...link.value, failed: true }
    }
  }

  watch([() => content().file_id, blob], () => {
    const waiting = blob()
    if (waiting && !local) {
      local = URL.createObjectURL(waiting)
      link.value = { url: local, thumbnail: local, failed: false }
    }
    if (content().file_id)
      void load()
  }, { immediate: true })
  onScopeDispose(() => URL.revokeObjectURL(local))

  return { link, reload: load }
}
