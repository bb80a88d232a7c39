const UNITS = ['B', 'KB', 'MB', 'GB', 'TB']

/** "3.4 MB" */
export function formatBytes(bytes: number, locale: string): string {
  const power = bytes > 0 ? Math.min(Math.floor(Math.log10(bytes) / 3), UNITS.length - 1) : 0
  return `${(bytes / 1000 ** power).toLocaleString(locale, { maximumFractionDigits: power > 0 ? 1 : 0 })} ${UNITS[power]}`
}

/** "1:05" */
export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds))
  const hours = Math.floor(whole / 3600)
  const minutes = Math.floor(whole / 60) % 60
  const rest = String(whole % 60).padStart(2, '0')
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, '0')}:${rest}` : `${minutes}:${rest}`
}
