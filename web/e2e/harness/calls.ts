import type { Locator, Page } from 'playwright-core'
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

type Source = 'audio' | 'video' | 'screen'
/** What `remember` leaves in a page. */
export interface Devices { opened: Partial<Record<Source, MediaStreamTrack>>, noDevices: boolean }

/** The page keeps the tracks that the browser gives it, for goAway(); with `noDevices` the browser has none. */
export async function remember(page: Page): Promise<void> {
  await page.evaluate(() => {
    const kept = window as unknown as Devices
    kept.opened = {}
    const { mediaDevices } = navigator
    const user = mediaDevices.getUserMedia.bind(mediaDevices)
    const display = mediaDevices.getDisplayMedia.bind(mediaDevices)
    mediaDevices.getUserMedia = async (wanted) => {
      if (kept.noDevices)
        throw new DOMException('none', 'NotFoundError')
      const stream = await user(wanted)
      for (const track of stream.getTracks())
        kept.opened[track.kind as Source] = track
      return stream
    }
    mediaDevices.getDisplayMedia = async (wanted) => {
      const stream = await display(wanted)
      kept.opened.screen = stream.getVideoTracks()[0]!
      return stream
    }
  })
}

/** As when a device is pulled out, or sharing is stopped by the browser's own button. */
export function goAway(page: Page, source: Source): Promise<void> {
  return page.evaluate((source) => {
    const track = (window as unknown as Devices).opened[source]!
    track.stop()
    track.dispatchEvent(new Event('ended'))
  }, source)
}
