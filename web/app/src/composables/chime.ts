let context: AudioContext | undefined
let last = 0

/** Two soft notes; at most one chime a second. Browsers allow it after the first click or key. */
export function chime(): void {
  if (Date.now() - last < 1000 || !navigator.userActivation?.hasBeenActive)
    return
  last = Date.now()
  context ??= new AudioContext()
  const start = context.currentTime
  for (const [index, frequency] of [659.3, 880].entries()) {
    const tone = context.createOscillator()
    const volume = context.createGain()
    const at = start + index * 0.09
    tone.frequency.value = frequency
    volume.gain.setValueAtTime(0, at)
    volume.gain.linearRampToValueAtTime(0.08, at + 0.01)
    volume.gain.exponentialRampToValueAtTime(0.0001, at + 0.3)
    tone.connect(volume).connect(context.destination)
    tone.start(at)
    tone.stop(at + 0.32)
  }
}
