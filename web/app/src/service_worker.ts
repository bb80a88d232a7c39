import { scriptUrl } from './trusted'

/** The offline shell; without it (as over plain HTTP from another machine) everything else works. */
export function registerServiceWorker(): void {
  if (!import.meta.env.PROD || !('serviceWorker' in navigator))
    return
  window.addEventListener('load', () => {
    navigator.serviceWorker.register(scriptUrl(new URL('sw.js', document.baseURI).href)).catch(() => {})
  })
}
