import type { Locator } from 'playwright-core'
import { until } from './until'

/** Pictures of the other one are shown, one after the other. */
export async function plays(video: Locator): Promise<void> {
  const frames = () => video.evaluate(element => (element as HTMLVideoElement).getVideoPlaybackQuality().totalVideoFrames)
  const before = await frames()
  await until('frames are played', async () => await frames() > before + 5)
}

/** Something is to be heard. */
export const sounds = (video: Locator) => video.evaluate(async (element) => {
  const stream = (element as HTMLVideoElement).srcObject as MediaStream
  const context = new AudioContext()
  const analyser = context.createAnalyser()
  context.createMediaStreamSource(stream).connect(analyser)
  const samples = new Uint8Array(analyser.fftSize)
  for (let i = 0; i < 100; i++) {
    analyser.getByteTimeDomainData(samples)
    if (samples.some(sample => Math.abs(sample - 128) > 2))
      return true
    await new Promise(resolve => setTimeout(resolve, 50))
  }
  return false
})
