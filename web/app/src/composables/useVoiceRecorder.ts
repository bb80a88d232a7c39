import { FrameType } from '@simpleim/sdk'
import { onScopeDispose, ref } from 'vue'
import { im } from '../im'

const LEVELS_PER_S = 12
const MAX_LEVELS = 256
const MAX_S = 600

/** Records the microphone (Opus) with its waveform. */
export function useVoiceRecorder(conversationId: string) {
  const recording = ref(false)
  const seconds = ref(0)
  const level = ref(0)
  let recorder: MediaRecorder | undefined
  let stream: MediaStream | undefined
  let context: AudioContext | undefined
  let timer: ReturnType<typeof setInterval> | undefined
  let levels: number[] = []
  let began = 0

  /** Rejects when there is no microphone, or it may not be used. */
  async function start(): Promise<void> {
    stream = await navigator.mediaDevices.getUserMedia({ audio: { echoCancellation: true, noiseSuppression: true } })
    const mimeType = ['audio/webm;codecs=opus', 'audio/ogg;codecs=opus', 'audio/mp4'].find(type => MediaRecorder.isTypeSupported(type))
    recorder = new MediaRecorder(stream, { ...(mimeType ? { mimeType } : {}), audioBitsPerSecond: 32_000 })
    context = new AudioContext()
    const analyser = context.createAnalyser()
    analyser.fftSize = 1024
    context.createMediaStreamSource(stream).connect(analyser)
    const samples = new Uint8Array(analyser.fftSize)
    levels = []
    began = performance.now()
    recorder.start()
    recording.value = true
    timer = setInterval(() => {
      analyser.getByteTimeDomainData(samples)
      const peak = samples.reduce((most, sample) => Math.max(most, Math.abs(sample - 128)), 0) * 2
      level.value = Math.min(255, peak)
      levels.push(level.value)
      seconds.value = (performance.now() - began) / 1000
      if (seconds.value >= MAX_S)
        void finish()
    }, 1000 / LEVELS_PER_S)
  }

  function release(): void {
    clearInterval(timer)
    stream?.getTracks().forEach(track => track.stop())
    void context?.close()
    stream = context = recorder = undefined
    recording.value = false
    seconds.value = 0
  }

  /** Ends the recording and sends it. */
  async function finish(): Promise<void> {
    const running = recorder
    if (!running)
      return
    const duration = Math.round((performance.now() - began) / 100) / 10
    const blob = await new Promise<Blob>((resolve) => {
      running.ondataavailable = event => resolve(event.data)
      running.stop()
    })
    const waveform = shrink(levels)
    release()
    const extension = blob.type.includes('ogg') ? 'ogg' : blob.type.includes('mp4') ? 'm4a' : 'webm'
    await im.sendFile(conversationId, FrameType.voice, { blob, name: `voice.${extension}` }, { duration, waveform })
  }

  onScopeDispose(release)
  return { recording, seconds, level, start, finish, cancel: release }
}

/** At most MAX_LEVELS, each the loudest of its part. */
function shrink(levels: number[]): number[] {
  const size = Math.ceil(levels.length / MAX_LEVELS)
  return size <= 1 ? levels : Array.from({ length: Math.ceil(levels.length / size) }, (_, n) => Math.max(...levels.slice(n * size, (n + 1) * size)))
}
