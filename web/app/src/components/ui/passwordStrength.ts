const COMMON = /^(?:password|passw0rd|qwerty|asdf|abc|letmein|welcome|admin|iloveyou|simpleim|\d+)/i

/** 0 (too short) to 4 (strong), by length, kinds of characters and the usual suspects. */
export function passwordStrength(password: string, least: number): 0 | 1 | 2 | 3 | 4 {
  const length = [...password].length
  if (length < least)
    return 0
  const kinds = [/[a-z]/, /[A-Z]/, /\d/, /[^a-z\d]/i].filter(kind => kind.test(password)).length
  const different = new Set(password).size
  const points = Number(length >= 8) + Number(length >= 12) + Number(length >= 16) + Number(kinds >= 2) + Number(kinds >= 3)
  if (COMMON.test(password) || different < 5)
    return 1
  return Math.min(4, Math.max(1, points)) as 1 | 2 | 3 | 4
}
