/**
 * JSON that every reader takes: half a character, as texts have that were cut by a script, becomes U+FFFD. JSON.stringify
 * escapes such halves and nothing else like that; a server would refuse them again and again.
 */
export function wellFormedJson(value: unknown): string {
  return JSON.stringify(value).replace(/(?<!\\)((?:\\\\)*)\\ud[89a-f][0-9a-f]{2}/g, '$1\uFFFD')
}
