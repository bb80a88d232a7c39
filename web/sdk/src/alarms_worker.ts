/** The Web Worker behind workerAlarms(). */
onmessage = (event: MessageEvent<{ id: number, ms: number }>) => {
  setTimeout(postMessage, event.data.ms, event.data.id)
}
