import type { AuthSession } from './model.ts'

/** Where the signed-in session of a device is kept between runs. */
export interface SessionKeeper {
  load: () => AuthSession | undefined
  save: (session: AuthSession) => void
  clear: () => void
  /** Stays when the session goes: names this device to the server. */
  deviceId: () => string
  /** Calls `changed` when another tab has changed the session; returns what ends that. */
  watch?: (changed: () => void) => () => void
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

/** A browser may forbid storage, and then even naming it throws. */
function storageIsAllowed(): boolean {
  try {
    localStorage.setItem('simpleim.probe', '')
    localStorage.removeItem('simpleim.probe')
    return true
  }
  catch {
    return false
  }
}

/**
 * localStorage: shared by the tabs of an origin. Where the browser forbids it the session lives as long as the page.
 * `path`: where on its origin the server is, as "/chat"; another one there has its own session.
 */
export function browserKeeper(newDeviceId: () => string, path = ''): SessionKeeper {
  const SESSION = `simpleim.session${path}`
  const DEVICE = 'simpleim.device'
  if (!storageIsAllowed())
    return memoryKeeper(newDeviceId())
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
    watch(changed) {
      const hear = (event: StorageEvent) => {
        if (event.key === SESSION || event.key === null)
          changed()
      }
      window.addEventListener('storage', hear)
      return () => window.removeEventListener('storage', hear)
    },
  }
}
