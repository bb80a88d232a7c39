import type { AuthSession } from './model.ts'

/** Where the signed-in session of a device is kept between runs. */
export interface SessionKeeper {
  load: () => AuthSession | undefined
  save: (session: AuthSession) => void
  clear: () => void
  /** Stays when the session goes: names this device to the server. */
  deviceId: () => string
}

/** For Node: lives as long as the process. */
export function memoryKeeper(deviceId: string): SessionKeeper {
  let kept: AuthSession | undefined
  return {
    load: () => kept,
    save: session => void (kept = session),
    clear: () => void (kept = undefined),
    deviceId: () => deviceId,
  }
}

/** localStorage: shared by the tabs of an origin. */
export function browserKeeper(newDeviceId: () => string): SessionKeeper {
  const SESSION = 'simpleim.session'
  const DEVICE = 'simpleim.device'
  return {
    load() {
      try {
        const text = localStorage.getItem(SESSION)
        return text ? JSON.parse(text) as AuthSession : undefined
      }
      catch {
        return undefined // as if nobody had signed in: he can sign in again
      }
    },
    save: session => localStorage.setItem(SESSION, JSON.stringify(session)),
    clear: () => localStorage.removeItem(SESSION),
    deviceId() {
      const known = localStorage.getItem(DEVICE)
      if (known)
        return known
      const made = newDeviceId()
      localStorage.setItem(DEVICE, made)
      return made
    },
  }
}
