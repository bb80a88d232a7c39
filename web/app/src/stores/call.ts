import type { CallSignal } from '@simpleim/sdk'
import type { Kind, Sending } from '../calls/peer'
import { FrameType } from '@simpleim/sdk'
import { defineStore } from 'pinia'
import { computed, ref, shallowRef } from 'vue'
import { LineQuality } from '../calls/line_quality'
import { LocalMedia } from '../calls/local_media'
import { Peer } from '../calls/peer'
import { im } from '../im'
import { useAuth } from './auth'
import { usePrefs } from './prefs'

/** calling: the other one's rings; ringing: ours does; reconnecting: the way between the two is lost for the moment. */
export type Phase = 'calling' | 'ringing' | 'connecting' | 'connected' | 'reconnecting'
/** Why a call ended, when it is worth telling. */
export type Ending = 'rejected' | 'busy' | 'timeout' | 'failed' | 'noDevice'

interface Call { id: string, with: string, video: boolean, mine: boolean }

/** How often a way is looked for again, and how long in all. */
const RETRY_MS = 2_000
const GIVE_UP_MS = 30_000
const JUDGE_MS = 1_000

/** The one call of this tab. */
export const useCall = defineStore('call', () => {
  const auth = useAuth()
  const prefs = usePrefs()
  const call = shallowRef<Call>()
  const phase = ref<Phase>()
  const ending = ref<Ending>()
  /** ms since the epoch; 0: not yet. */
  const began = ref(0)
  const sending = ref<Sending>({ microphone: true, picture: false })
  const sharing = ref(false)
  const theirs = ref<Sending>({ microphone: true, picture: false })
  /** The other one may hear and see us badly, or we them. */
  const weak = ref(false)
  const remote = shallowRef<MediaStream>()
  /** It went away during the call, and there is no other one. */
  const gone = ref<Kind>()
  const media = new LocalMedia(kind => void replace(kind))
  let peer: Peer | undefined
  let offered = ''
  let early: RTCIceCandidateInit[] = []
  let retry: ReturnType<typeof setInterval> | undefined
  let judging: ReturnType<typeof setInterval> | undefined

  const local = computed(() => media.tracks.video && new MediaStream([media.tracks.video]))

  function signal(type: number, content: Record<string, unknown> = {}): void {
    if (call.value)
      im.signal(type, call.value.id, call.value.with, content)
  }

  function begin(next: Call, how: Phase): void {
    call.value = next
    phase.value = how
    ending.value = undefined
    began.value = 0
    sharing.value = false
    sending.value = { microphone: true, picture: false }
    theirs.value = { microphone: true, picture: false }
    early = []
    gone.value = undefined
  }

  function end(why?: Ending): void {
    clearInterval(retry)
    retry = undefined
    stopJudging()
    peer?.close()
    peer = undefined
    media.closeAll()
    remote.value = undefined
    call.value = undefined
    phase.value = undefined
    ending.value = why
  }

  /** Throws when the call ended while something was waited for; another one may have taken its place. */
  function mustLast(own: Call): void {
    if (call.value !== own)
      throw new Error('the call is over')
  }

  async function connect(own: Call): Promise<Peer> {
    const iceServers = await im.iceServers()
    mustLast(own)
    const made = new Peer({ iceServers, iceTransportPolicy: prefs.relayCalls ? 'relay' : 'all' }, {
      candidate: candidate => signal(FrameType.callIce, { candidate }),
      state: (state) => {
        if (state === 'connected')
          return found()
        if (state === 'disconnected' || state === 'failed')
          lost()
      },
      sending: (told) => { theirs.value = told },
    })
    peer = made
    remote.value = made.remote
    return made
  }

  function found(): void {
    clearInterval(retry)
    retry = undefined
    phase.value = 'connected'
    began.value ||= Date.now()
    judge()
  }

  function judge(): void {
    stopJudging()
    const quality = new LineQuality()
    judging = setInterval(() => {
      void peer?.stats().then((report) => { weak.value = judging !== undefined && quality.judge(report) })
    }, JUDGE_MS)
  }

  function stopJudging(): void {
    clearInterval(judging)
    judging = undefined
    weak.value = false
  }

  /** The caller looks for another way until one is found; the other one answers. */
  function lost(): void {
    if (phase.value !== 'connected' && phase.value !== 'connecting')
      return
    phase.value = 'reconnecting'
    stopJudging()
    const since = Date.now()
    clearInterval(retry)
    retry = setInterval(() => {
      if (Date.now() - since > GIVE_UP_MS)
        return hangUp('failed')
      if (call.value?.mine)
        void peer?.offerAgain().then(sdp => signal(FrameType.callIce, { sdp, sdp_type: 'offer' })).catch(() => {})
    }, RETRY_MS)
  }

  // ---------------------------------------------------------------- what the user does

  /** Takes the microphone, and the camera if there is one. */
  async function open(video: boolean): Promise<void> {
    await media.open('audio')
    if (video)
      await media.open('video').catch(() => {}) // one can be seen or not, but must be heard
    sending.value = { microphone: true, picture: media.tracks.video !== undefined }
  }

  async function put(to: Peer): Promise<void> {
    await to.send('audio', media.tracks.audio ?? null)
    await to.send('video', media.tracks.video ?? null)
    to.tell({ ...sending.value })
  }

  async function start(userId: string, video: boolean): Promise<void> {
    if (call.value)
      return
    const mine = { id: crypto.randomUUID(), with: userId, video, mine: true }
    begin(mine, 'calling')
    try {
      await open(video)
    }
    catch {
      return call.value === mine ? end('noDevice') : undefined
    }
    try {
      const line = await connect(mine)
      const sdp = await line.offer()
      mustLast(mine)
      // At once: what is found of the way is told from here on, and nobody knows of the call before.
      signal(FrameType.callInvite, { kind: video ? 'video' : 'audio', sdp })
      await put(line)
    }
    catch {
      if (call.value === mine)
        end('failed')
    }
  }

  async function accept(video: boolean): Promise<void> {
    const own = call.value
    if (!own || phase.value !== 'ringing')
      return
    phase.value = 'connecting'
    try {
      await open(video)
    }
    catch {
      if (call.value !== own)
        return
      signal(FrameType.callReject)
      return end('noDevice')
    }
    try {
      const line = await connect(own)
      const sdp = await line.answer(offered)
      mustLast(own)
      signal(FrameType.callAccept, { sdp })
      await put(line)
      for (const candidate of early.splice(0)) await line.add(candidate)
    }
    catch {
      if (call.value === own)
        hangUp('failed')
    }
  }

  function hangUp(why?: Ending): void {
    signal(phase.value === 'ringing' ? FrameType.callReject : FrameType.callHangup)
    end(why)
  }

  function tell(change: Partial<Sending>): void {
    sending.value = { ...sending.value, ...change }
    peer?.tell({ ...sending.value })
  }

  /** Rejects when there is no microphone any more. */
  async function toggleMicrophone(): Promise<void> {
    const microphone = !sending.value.microphone
    const audio = media.tracks.audio ?? await openAgain('audio')
    audio.enabled = microphone
    tell({ microphone })
  }

  async function openAgain(kind: Kind): Promise<MediaStreamTrack> {
    const track = await media.open(kind)
    if (gone.value === kind)
      gone.value = undefined
    if (kind === 'audio')
      track.enabled = sending.value.microphone
    await peer?.send(kind, track)
    return track
  }

  /** A device went away: another one takes its place, or the other person is told that there is none. */
  async function replace(kind: Kind): Promise<void> {
    try {
      await openAgain(kind)
    }
    catch {
      await peer?.send(kind, null)
      tell(kind === 'audio' ? { microphone: false } : { picture: false })
      gone.value = kind
    }
  }

  /** Rejects when there is no camera, or it may not be used. */
  async function toggleCamera(): Promise<void> {
    if (sending.value.picture && !sharing.value)
      return showNothing()
    await openAgain('video')
    sharing.value = false
    tell({ picture: true })
  }

  async function toggleScreen(): Promise<void> {
    if (sharing.value)
      return showNothing()
    const track = await media.openScreen(() => void showNothing())
    sharing.value = true
    await peer?.send('video', track)
    tell({ picture: true })
  }

  async function showNothing(): Promise<void> {
    sharing.value = false
    media.close('video')
    await peer?.send('video', null)
    tell({ picture: false })
  }

  /** From now on, and for the next calls. */
  async function choose(kind: Kind, deviceId: string): Promise<void> {
    media.chosen[kind] = deviceId
    if (kind === 'video' && (!sending.value.picture || sharing.value))
      return
    await openAgain(kind)
  }

  // ---------------------------------------------------------------- what is heard

  function invited(heard: CallSignal): void {
    if (heard.from === auth.me)
      return // another device of mine is calling
    // Both called in the same moment: the server has taken the other one's call and refuses mine, so his rings here.
    const both = phase.value === 'calling' && call.value?.with === heard.from
    if (call.value && !both)
      return // the server says "busy" to others
    if (both)
      end()
    begin({ id: heard.call_id, with: heard.from, video: heard.content.kind === 'video', mine: false }, 'ringing')
    offered = String(heard.content.sdp ?? '')
  }

  async function ice({ content }: CallSignal): Promise<void> {
    if (content.candidate) {
      const candidate = content.candidate as RTCIceCandidateInit
      if (peer && phase.value !== 'ringing')
        await peer.add(candidate)
      else
        early.push(candidate)
    }
    if (content.sdp_type === 'offer')
      signal(FrameType.callIce, { sdp: await peer?.answer(String(content.sdp)), sdp_type: 'answer' })
    if (content.sdp_type === 'answer')
      await peer?.accept(String(content.sdp))
  }

  function hear(heard: CallSignal): void {
    if (heard.type === FrameType.callInvite)
      return invited(heard)
    if (heard.call_id !== call.value?.id)
      return
    // Answered or refused on another device or tab of mine.
    if (heard.from === auth.me && heard.type !== FrameType.callHangup)
      return phase.value === 'ringing' ? end() : undefined
    switch (heard.type) {
      case FrameType.callAccept:
        phase.value = 'connecting'
        void peer?.accept(String(heard.content.sdp)).catch(() => hangUp('failed'))
        return
      case FrameType.callIce: return void ice(heard).catch(() => {})
      case FrameType.callReject: return end('rejected')
      case FrameType.callBusy: return end('busy')
      case FrameType.callHangup: return end(heard.content.reason === 'timeout' && call.value?.mine ? 'timeout' : undefined)
    }
  }

  im.on('call', hear)
  im.on('call_refused', ({ call_id }) => {
    if (call_id === call.value?.id)
      end('failed')
  })
  addEventListener('pagehide', () => { if (call.value && phase.value !== 'ringing') hangUp() })

  return { call, phase, ending, began, sending, sharing, theirs, weak, remote, gone, local, media, start, accept, hangUp, toggleMicrophone, toggleCamera, toggleScreen, choose }
})
