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

  /** `gone`: a device went away by itself, and is chosen no more. */
  constructor(gone: (kind: Kind) => void) {
    this.gone = gone
  }

  /** Rejects when there is no such device, or it may not be used. */
  async open(kind: Kind): Promise<MediaStreamTrack> {
    const id = this.chosen[kind]
    const wanted = { ...(kind === 'audio' ? SOUND : PICTURE), ...(id ? { deviceId: { exact: id } } : {}) }
    const stream = await navigator.mediaDevices.getUserMedia({ [kind]: wanted })
    const track = this.take(kind, stream)
    track.onended = () => {
      this.chosen[kind] = undefined
      this.close(kind)
      this.gone(kind)
    }
    return track
  }

  /** `ended`: the user stopped sharing by the browser's own button. */
  async openScreen(ended: () => void): Promise<MediaStreamTrack> {
    const stream = await navigator.mediaDevices.getDisplayMedia({ video: true, audio: false })
    const track = this.take('video', stream)
    track.contentHint = 'detail'
    track.onended = ended
    return track
  }

  close(kind: Kind): void {
    this.tracks[kind]?.stop()
    this.tracks[kind] = undefined
  }

  closeAll(): void {
    this.close('audio')
    this.close('video')
  }

  devices(): Promise<MediaDeviceInfo[]> {
    return navigator.mediaDevices.enumerateDevices()
  }

  private take(kind: Kind, stream: MediaStream): MediaStreamTrack {
    const track = stream.getTracks()[0]!
    this.close(kind)
    this.tracks[kind] = track
    return track
  }
}
