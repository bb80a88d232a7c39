import type { Kind } from './peer'
import { shallowReactive } from 'vue'

const SOUND = { echoCancellation: true, noiseSuppression: true, autoGainControl: true }
const PICTURE = { width: { ideal: 1280 }, height: { ideal: 720 } }

/** The microphone and the camera or screen of this device, while a call lasts. */
export class LocalMedia {
  readonly tracks = shallowReactive<{ audio?: MediaStreamTrack, video?: MediaStreamTrack }>({})
  /** Device ids, as chosen; kept for the next call. */
  readonly chosen = shallowReactive<{ audio?: string, video?: string }>({})

  private readonly gone: (kind: Kind) => void
  /** Counts closeAll(): what is granted after it was asked for by a call that is over. */
  private era = 0

  /** `gone`: a device went away by itself, and is chosen no more. */
  constructor(gone: (kind: Kind) => void) {
    this.gone = gone
  }

  /** Rejects when there is no such device, when it may not be used, and when all was closed before it was granted. */
  async open(kind: Kind): Promise<MediaStreamTrack> {
    const id = this.chosen[kind]
    const wanted = { ...(kind === 'audio' ? SOUND : PICTURE), ...(id ? { deviceId: { exact: id } } : {}) }
    const track = await this.take(kind, navigator.mediaDevices.getUserMedia({ [kind]: wanted }))
    track.onended = () => {
      this.chosen[kind] = undefined
      this.close(kind)
      this.gone(kind)
    }
    return track
  }

  /** `ended`: the user stopped sharing by the browser's own button. */
  async openScreen(ended: () => void): Promise<MediaStreamTrack> {
    const track = await this.take('video', navigator.mediaDevices.getDisplayMedia({ video: true, audio: false }))
    track.contentHint = 'detail'
    track.onended = ended
    return track
  }

  close(kind: Kind): void {
    this.tracks[kind]?.stop()
    this.tracks[kind] = undefined
  }

  closeAll(): void {
    this.era++
    this.close('audio')
    this.close('video')
  }

  devices(): Promise<MediaDeviceInfo[]> {
    return navigator.mediaDevices.enumerateDevices()
  }

  private async take(kind: Kind, granted: Promise<MediaStream>): Promise<MediaStreamTrack> {
    const { era } = this
    const track = (await granted).getTracks()[0]!
    if (era !== this.era) {
      track.stop()
      throw new DOMException('closed before it was granted', 'AbortError')
    }
    this.close(kind)
    this.tracks[kind] = track
    return track
  }
}
