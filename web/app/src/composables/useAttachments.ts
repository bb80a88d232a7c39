import { FrameType } from '@simpleim/sdk'
import { onScopeDispose, shallowRef } from 'vue'
import { im } from '../im'
import { inspectImage, inspectVideo } from './mediaFacts'

export interface Attachment {
  key: number
  file: File
  type: number
  /** For its picture in the tray; empty when it has none. */
  preview: string
}

const SHOWN_IMAGE = /^image\/(?:jpeg|png|gif|webp)$/
const SHOWN_VIDEO = /^video\/(?:mp4|webm)$/
const MAX_AT_ONCE = 20

/** Files on their way into a message: chosen, pasted or dropped. */
export function useAttachments(conversationId: string) {
  const list = shallowRef<Attachment[]>([])
  let last = 0

  function add(files: Iterable<File>): void {
    const fresh = Array.from(files, (file): Attachment => {
      const type = SHOWN_IMAGE.test(file.type) ? FrameType.image : SHOWN_VIDEO.test(file.type) ? FrameType.video : FrameType.file
      return { key: ++last, file, type, preview: type === FrameType.image ? URL.createObjectURL(file) : '' }
    })
    list.value = [...list.value, ...fresh].slice(0, MAX_AT_ONCE)
  }

  function remove(key: number): void {
    const gone = list.value.find(one => one.key === key)
    if (gone)
      URL.revokeObjectURL(gone.preview)
    list.value = list.value.filter(one => one.key !== key)
  }

  /** Sends them all; the text goes with the last one. */
  async function send(text: string, more: Record<string, unknown>, asFiles: boolean): Promise<void> {
    const all = list.value
    list.value = []
    for (const [index, { file, type, preview }] of all.entries()) {
      const caption = index === all.length - 1 && text ? { text, ...more } : {}
      const sentType = asFiles ? FrameType.file : type
      const facts = sentType === FrameType.image ? await inspectImage(file) : sentType === FrameType.video ? await inspectVideo(file) : {}
      await im.sendFile(conversationId, sentType, { blob: file, name: file.name || 'file' }, { ...facts, ...caption })
      URL.revokeObjectURL(preview)
    }
  }

  onScopeDispose(() => list.value.forEach(({ preview }) => URL.revokeObjectURL(preview)))
  return { list, add, remove, send }
}
