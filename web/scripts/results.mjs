// Writes web/RESULTS.md from what the last run of the browser tests measured: node web/scripts/results.mjs
import { readFileSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'

const here = import.meta.dirname
const figures = JSON.parse(readFileSync(join(here, '../e2e/out/speed.json'), 'utf8'))
const targets = {
  'script until the chats are on the screen': '≤ 250 KB gzip',
  'sign-in page can be used after': '≤ 1 s',
  'typed by one user, painted at the other': '≤ 100 ms',
  'a conversation of 100,000 local messages opens in': '≤ 300 ms',
  'frames while it is scrolled for 5 s': 'no dropped frames',
}
const rows = Object.entries(figures).map(([name, value]) => `| ${name} | ${value} | ${targets[name] ?? ''} |`)

writeFileSync(join(here, '../RESULTS.md'), `# What the web client costs

Measured by \`web/e2e/tests/speed.test.ts\` against the release binary on the same machine (${cpus().length} cores, shared with other
work, Chromium without a graphics processor), and written by \`node web/scripts/results.mjs\`. Each \`make e2e\` measures again and prints;
nothing here is asserted, because the machine is not ours alone. The size limits are: \`npm run size\`.

| what | measured | target |
|---|---|---|
${rows.join('\n')}

- *Script until the chats are on the screen* is all JavaScript the page loaded to show the empty list after signing in, worker included.
- *Typed … painted* runs from the Enter key in one browser to the end of the frame that shows the message in the other: through the
  outbox and IndexedDB of the one, the server's durable commit, and IndexedDB of the other.
- *Opens in* runs from the click to the end of the first frame with messages; all 100,000 are in IndexedDB.
- *Frames* are those of the page's own clock while the wheel turns 240 px every 16 ms and a trace is taken (web/e2e/out/scroll-trace.json after
  a run). A frame here is painted by the processor, which also runs the server, both browsers and the tests.
`)
