export type Kind = 'audio' | 'video'
/** What the other one sends, told over a channel of its own: a track says too late that nothing comes. */
export interface Sending { microphone: boolean, picture: boolean }

export interface PeerEvents {
  candidate: (candidate: RTCIceCandidateInit) => void
  state: (state: RTCPeerConnectionState) => void
  sending: (sending: Sending) => void
}

/**
 * The line to the other browser. Sound and picture have their places from the first offer on, so a camera, a screen or
 * another microphone only takes a place: nothing is negotiated again but the way, after a change of network.
 */
export class Peer {
  readonly remote = new MediaStream()
  private readonly connection: RTCPeerConnection
  private readonly channel: RTCDataChannel
  private readonly early: RTCIceCandidateInit[] = []
  private told: Sending = { microphone: true, picture: false }

  constructor(configuration: RTCConfiguration, events: PeerEvents) {
    this.connection = new RTCPeerConnection(configuration)
    this.channel = this.connection.createDataChannel('sending', { negotiated: true, id: 0 })
    this.channel.onopen = () => this.tell(this.told)
    this.channel.onmessage = ({ data }) => events.sending(JSON.parse(String(data)) as Sending)
    this.connection.onicecandidate = ({ candidate }) => candidate && events.candidate(candidate.toJSON())
    this.connection.onconnectionstatechange = () => events.state(this.connection.connectionState)
    this.connection.ontrack = ({ track }) => this.remote.addTrack(track)
  }

  async offer(): Promise<string> {
    for (const kind of ['audio', 'video']) this.connection.addTransceiver(kind, { direction: 'sendrecv' })
    return this.describe()
  }

  /** Looks for a new way between the two. */
  offerAgain(): Promise<string> {
    this.connection.restartIce()
    return this.describe()
  }

  async answer(sdp: string): Promise<string> {
    await this.connection.setRemoteDescription({ type: 'offer', sdp })
    for (const transceiver of this.connection.getTransceivers()) transceiver.direction = 'sendrecv'
    await this.addEarly()
    return this.describe()
  }

  async accept(sdp: string): Promise<void> {
    if (this.connection.signalingState !== 'have-local-offer')
      return
    await this.connection.setRemoteDescription({ type: 'answer', sdp })
    await this.addEarly()
  }

  async add(candidate: RTCIceCandidateInit): Promise<void> {
    if (!this.connection.remoteDescription)
      this.early.push(candidate)
    else
      await this.connection.addIceCandidate(candidate).catch(() => {}) // of a way that is not tried any more
  }

  async send(kind: Kind, track: MediaStreamTrack | null): Promise<void> {
    const place = this.connection.getTransceivers().find(transceiver => transceiver.receiver.track.kind === kind)
    await place?.sender.replaceTrack(track)
  }

  tell(sending: Sending): void {
    this.told = sending
    if (this.channel.readyState === 'open')
      this.channel.send(JSON.stringify(sending))
  }

  stats(): Promise<RTCStatsReport> {
    return this.connection.getStats()
  }

  close(): void {
    this.connection.onconnectionstatechange = null
    this.connection.close()
  }

  private async describe(): Promise<string> {
    await this.connection.setLocalDescription()
    return this.connection.localDescription!.sdp
  }

  private async addEarly(): Promise<void> {
    for (const candidate of this.early.splice(0)) await this.add(candidate)
  }
}
