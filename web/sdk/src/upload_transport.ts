import type { StoredFile } from './model.ts'
import type { Rest } from './rest.ts'
import { ErrorCode, SimpleIMError } from './protocol.ts'

export interface About {
  name: string
  asFile: boolean
  durationMs: number
}

interface Transfer {
  baseUrl: string
  rest: Rest
  blob: Blob
  about: About
  signal: AbortSignal
  progress: (sent: number, total: number) => void
}

const PART_BYTES = 8 << 20
/** The reason of a signal when what has been uploaded is not wanted any more. */
export const GIVEN_UP = 'given up'

/** In one request. Throws SimpleIMError. */
export async function uploadWhole({ baseUrl, rest, blob, about, signal, progress }: Transfer): Promise<StoredFile> {
  const form = new FormData()
  if (about.asFile)
    form.append('as', 'file')
  if (about.durationMs > 0)
    form.append('duration', String(about.durationMs / 1000))
  form.append('file', blob, about.name)
  const token = await rest.token(false)
  const answer = await post(`${baseUrl}/api/files`, form, token ?? '', signal, progress)
  return answer.data as StoredFile
}

interface Answer { code: number, error?: string, data?: unknown }

function refusal(status: number, body: Answer, retryAfter: string | null): SimpleIMError {
  return new SimpleIMError(body.code || status * 100, body.error ?? `the server answered ${status}`, undefined, Number(retryAfter ?? 0) * 1000)
}

/** fetch() tells nothing of how far an upload is; XMLHttpRequest does, where there is one. */
function post(url: string, form: FormData, token: string, signal: AbortSignal, progress: Transfer['progress']): Promise<Answer> {
  return typeof XMLHttpRequest === 'undefined' ? postByFetch(url, form, token, signal) : postByRequest(url, form, token, signal, progress)
}

async function postByFetch(url: string, body: FormData, token: string, signal: AbortSignal): Promise<Answer> {
  let response: Response
  try {
    response = await fetch(url, { method: 'POST', body, signal, headers: { Authorization: `Bearer ${token}` } })
  }
  catch {
    throw new SimpleIMError(ErrorCode.network, 'the server cannot be reached')
  }
  const answer = await response.json() as Answer
  if (!response.ok)
    throw refusal(response.status, answer, response.headers.get('retry-after'))
  return answer
}

function postByRequest(url: string, form: FormData, token: string, signal: AbortSignal, progress: Transfer['progress']): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest()
    request.open('POST', url)
    request.setRequestHeader('Authorization', `Bearer ${token}`)
    request.responseType = 'json'
    request.upload.onprogress = event => progress(event.loaded, event.total)
    request.onload = () => {
      const answer = (request.response ?? { code: 0 }) as Answer
      if (request.status === 200)
        resolve(answer)
      else
        reject(refusal(request.status, answer, request.getResponseHeader('retry-after')))
    }
    request.onerror = request.onabort = () => reject(new SimpleIMError(ErrorCode.network, 'the upload was cut'))
    signal.addEventListener('abort', () => request.abort())
    request.send(form)
  })
}

type Parts = Transfer & { from: string | undefined, onUrl: (url: string) => void }

/** In parts, on from where an earlier try came to: straight to the store of files where that is possible. Throws SimpleIMError. */
export async function uploadInParts(transfer: Parts): Promise<StoredFile> {
  const from = transfer.from ?? await create(transfer)
  const { uploadDirect } = await import('./upload_direct.ts') // only large files need it
  try {
    const file = await uploadDirect(from.slice(from.lastIndexOf('/') + 1), transfer.blob, transfer)
    return file ?? await uploadByTus({ ...transfer, from })
  }
  catch (error) {
    if (!(error instanceof SimpleIMError))
      throw new SimpleIMError(ErrorCode.network, 'the upload was cut')
    if (error.code !== ErrorCode.notFound || !transfer.from)
      throw error
    return uploadInParts({ ...transfer, from: undefined }) // the server has forgotten it
  }
}

async function create({ baseUrl, rest, blob, about, onUrl }: Parts): Promise<string> {
  const base64 = (text: string) => btoa(String.fromCharCode(...new TextEncoder().encode(text)))
  const metadata = { filename: about.name, ...(about.asFile ? { as: 'file' } : {}), ...(about.durationMs > 0 ? { duration_ms: String(about.durationMs) } : {}) }
  const { upload_id } = await rest.call(api => api.POST('/api/uploads', {
    params: {
      header: {
        'Upload-Length': blob.size,
        'Upload-Metadata': Object.entries(metadata).map(([name, value]) => `${name} ${base64(value)}`).join(','),
      },
    },
  }))
  const url = `${baseUrl}/api/uploads/${upload_id}`
  onUrl(url)
  return url
}

/** By tus 1.0. */
async function uploadByTus({ baseUrl, rest, blob, signal, progress, from, onUrl }: Parts): Promise<StoredFile> {
  const { Upload } = await import('tus-js-client')
  const token = await rest.token(false)
  const url = await new Promise<string>((resolve, reject) => {
    const upload = new Upload(blob as File, {
      endpoint: `${baseUrl}/api/uploads`,
      uploadUrl: from ?? null,
      headers: { Authorization: `Bearer ${token ?? ''}` },
      chunkSize: PART_BYTES,
      retryDelays: [500, 1500, 4000],
      storeFingerprintForResuming: false,
      onUploadUrlAvailable: () => onUrl(upload.url ?? ''),
      onProgress: progress,
      onSuccess: () => resolve(upload.url ?? ''),
      onError: (error) => {
        const response = 'originalResponse' in error ? error.originalResponse : null
        reject(response ? tusRefusal(response.getStatus(), response.getBody()) : new SimpleIMError(ErrorCode.network, 'the upload was cut'))
      },
    })
    signal.addEventListener('abort', () => {
      void upload.abort(signal.reason === GIVEN_UP).catch(() => {}) // what nobody ends is collected
      reject(new SimpleIMError(ErrorCode.network, 'the upload was given up'))
    })
    upload.start()
  })
  const id = url.slice(url.lastIndexOf('/') + 1)
  const { file } = await rest.call(api => api.GET('/api/uploads/{id}', { params: { path: { id } } }))
  if (!file)
    throw new SimpleIMError(ErrorCode.network, 'the upload is not whole')
  return file
}

function tusRefusal(status: number, body: string): SimpleIMError {
  try {
    return refusal(status, JSON.parse(body) as Answer, null)
  }
  catch {
    return refusal(status, { code: 0 }, null)
  }
}
