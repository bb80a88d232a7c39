/** What a browser can tell of a picture or video before it is uploaded; nothing when it cannot show it. */

const POSTER_SIDE = 240
/** It travels in the message. */
const MAX_POSTER = 16_000
const DEADLINE_MS = 5_000

export async function inspectImage(blob: Blob): Promise<{ width?: number, height?: number }> {
  try {
    const bitmap = await createImageBitmap(blob)
    const { width, height } = bitmap
    bitmap.close()
    return { width, height }
  }
  catch {
    return {}
  }
}

function event(target: EventTarget, name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no ${name}`)), DEADLINE_MS)
    target.addEventListener(name, () => { clearTimeout(timer); resolve() }, { once: true })
    target.addEventListener('error', () => { clearTimeout(timer); reject(new Error('cannot be shown')) }, { once: true })
  })
}

/** Size, duration and a small picture of the beginning. */
export async function inspectVideo(blob: Blob): Promise<{ width?: number, height?: number, duration?: number, poster?: string }> {
  const url = URL.createObjectURL(blob)
  const video = document.createElement('video')
  video.muted = true
  video.preload = 'auto'
  try {
    video.src = url
    await event(video, 'loadeddata')
    const { videoWidth: width, videoHeight: height } = video
    const duration = Number.isFinite(video.duration) ? Math.round(video.duration * 10) / 10 : undefined
    const scale = Math.min(1, POSTER_SIDE / Math.max(width, height))
    const canvas = document.createElement('canvas')
    canvas.width = Math.round(width * scale)
    canvas.height = Math.round(height * scale)
    canvas.getContext('2d')?.drawImage(video, 0, 0, canvas.width, canvas.height)
    const poster = canvas.toDataURL('image/webp', 0.5)
    return { width, height, ...(duration ? { duration } : {}), ...(poster.length < MAX_POSTER ? { poster } : {}) }
  }
  catch {
    return {}
  }
  finally {
    URL.revokeObjectURL(url)
  }
}
