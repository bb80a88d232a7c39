import type { StoredFile } from './model.ts'
import type { Rest } from './rest.ts'

/**
 * The parts straight to where the server's files lie, when it has links for that. Undefined: it has none, or they do not
 * work from here (a network that cannot reach it, a bucket that does not allow this page); then the server takes the rest.
 */
export async function uploadDirect(id: string, blob: Blob, { baseUrl, rest, signal, progress }: {
  baseUrl: string
  rest: Rest
  signal: AbortSignal
  progress: (sent: number, total: number) => void
}): Promise<StoredFile | undefined> {
  for (;;) {
    const { file, offset, put_url, put_size } = await rest.call(api => api.GET('/api/uploads/{id}', { params: { path: { id } } }))
    if (file || !put_url || !put_size)
      return file
    const end = offset + put_size
    const put = await fetch(put_url, { method: 'PUT', body: blob.slice(offset, end), signal }).catch(() => undefined)
    signal.throwIfAborted()
    if (!put?.ok)
      return undefined
    progress(end, blob.size)
    if (end === blob.size)
      await endUpload(`${baseUrl}/api/uploads/${id}`, end, await rest.token(false), signal)
  }
}

/** The server makes one file of the parts, which takes its time: no deadline as for other calls. */
async function endUpload(url: string, offset: number, token: string | undefined, signal: AbortSignal): Promise<void> {
  await fetch(url, {
    method: 'PATCH',
    signal,
    headers: {
      'Authorization': `Bearer ${token ?? ''}`,
      'Tus-Resumable': '1.0.0',
      'Upload-Offset': String(offset),
      'Content-Type': 'application/offset+octet-stream',
    },
  })
}
