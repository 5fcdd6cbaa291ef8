/** Entry of the generator's own process: a specification comes in, reports and the ledger go out. */

import { type Load, type LoadSpec, startLoad } from './load.ts';
import type { FromLoadProcess, ToLoadProcess } from './load-apart.ts';

const REPORT_INTERVAL_MS = 200;
let load: Load | undefined;

process.on('message', (message: ToLoadProcess) => {
  if (message.type === 'start') start(message.spec);
  else void stop();
});
// Whoever wanted the figures is gone.
process.on('disconnect', () => process.exit(1));

function start(spec: LoadSpec) {
  const started = startLoad(spec);
  load = started;
  setInterval(() => tell({ type: 'progress', soFar: started.progress() }), REPORT_INTERVAL_MS);
}

async function stop() {
  try {
    if (load === undefined) throw new Error('Cannot stop the load: it was not started.');
    tell({ type: 'ledger', ledger: await load.stop() });
  } catch (error) {
    tell({ type: 'failed', message: String(error) });
  }
}

function tell(message: FromLoadProcess) {
  process.send?.(message);
}
