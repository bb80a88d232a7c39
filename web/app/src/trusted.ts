/**
 * The page's policy (require-trusted-types-for 'script') takes script addresses from here only, and only those of this
 * origin. Nothing in the client makes HTML from strings.
 */
interface PolicyFactory {
  createPolicy: (name: string, rules: { createScriptURL: (url: string) => string }) => { createScriptURL: (url: string) => string }
}

const policy = (globalThis as { trustedTypes?: PolicyFactory }).trustedTypes?.createPolicy('simpleim', {
  createScriptURL(url) {
    if (new URL(url, location.href).origin !== location.origin)
      throw new TypeError(`scripts come from ${location.origin} only`)
    return url
  },
})

export function scriptUrl(url: string): string {
  return policy ? policy.createScriptURL(url) : url
}
