const SAMPLES = 5
/** So many of them have to be bad. */
const WEAK = 2
const MAX_LOSS = 0.08
const MAX_ROUND_TRIP_S = 0.5

/** Whether the line to the other one is weak, by what the browser counted in the last seconds. */
export class LineQuality {
  private received = 0
  private lost = 0
  private readonly bad: boolean[] = []
  private weak = false

  /** `report`: of the connection, about once a second while it stands. */
  judge(report: RTCStatsReport): boolean {
    let received = 0
    let lost = 0
    let roundTrip = 0
    report.forEach((one: RTCInboundRtpStreamStats & RTCIceCandidatePairStats) => {
      if (one.type === 'inbound-rtp') {
        received += one.packetsReceived ?? 0
        lost += one.packetsLost ?? 0
      }
      if (one.type === 'candidate-pair' && one.nominated)
        roundTrip = Math.max(roundTrip, one.currentRoundTripTime ?? 0)
    })
    const came = received - this.received
    const missing = Math.max(0, lost - this.lost)
    this.received = received
    this.lost = lost
    this.bad.push(came === 0 || missing / (came + missing) > MAX_LOSS || roundTrip > MAX_ROUND_TRIP_S)
    if (this.bad.length > SAMPLES)
      this.bad.shift()
    const count = this.bad.filter(Boolean).length
    // Once said, it stays until all is well again: a hint that comes and goes helps nobody.
    this.weak = count >= WEAK || (this.weak && count > 0)
    return this.weak
  }
}
