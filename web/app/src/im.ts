import { SimpleIM, workerAlarms } from '@simpleim/sdk'
import alarmsWorkerUrl from '../../sdk/src/alarms_worker.ts?worker&url'
import { scriptUrl } from './trusted'

/** "Chrome on Windows": what the list of signed-in devices shows. */
function deviceName(): string {
  const agent = navigator.userAgent
  const pick = (names: [RegExp, string][], other: string) => names.find(([pattern]) => pattern.test(agent))?.[1] ?? other
  const browser = pick([[/Edg\//, 'Edge'], [/OPR\//, 'Opera'], [/Firefox\//, 'Firefox'], [/Chrome\//, 'Chrome'], [/Safari\//, 'Safari']], 'Browser')
  const system = pick([[/Android/, 'Android'], [/iPhone|iPad/, 'iOS'], [/Windows/, 'Windows'], [/Mac OS X/, 'macOS'], [/Linux/, 'Linux']], '')
  return system ? `${browser} · ${system}` : browser
}

/** The client of the server this page came from. */
export const im = new SimpleIM({
  baseUrl: document.baseURI,
  alarms: workerAlarms(new Worker(scriptUrl(alarmsWorkerUrl), { type: 'module' })),
  deviceName: deviceName(),
  platform: 'web',
  encoding: 'protobuf',
})
