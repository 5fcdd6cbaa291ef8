/** Where certificates come from, when they are read, and how they come to Envoy. */
import * as forms from './forms.ts';
import { setting } from './row.ts';

export const certificateRows = {
  certificateFolders: setting('BATON_CERT_DIRS', forms.list('folders'), {
    standard: ['/etc/certs'],
    meaning: 'folders with certificates to watch; empty: no certificates',
  }),
  certificateQuietTimeMs: setting('BATON_CERT_QUIET_TIME', forms.duration, {
    standard: 1_000,
    meaning: 'how long certificates (and bootstrap and binary) must have stopped changing',
  }),
  certificateMaxWaitMs: setting('BATON_CERT_MAX_WAIT', forms.duration, {
    standard: 10_000,
    meaning: 'the longest wait from the first change of certificates',
  }),
  certificatePollIntervalMs: setting('BATON_CERT_POLL_INTERVAL', forms.durationFrom(100), {
    standard: 30_000,
    meaning: 'how often certificates are read again in case events were lost',
  }),
  certificateWaitMs: setting('BATON_CERT_WAIT_TIME', forms.duration, {
    standard: 0,
    meaning: 'at start, how long to wait for a required pair',
  }),
  certificateDelivery: setting('BATON_CERT_DELIVERY', forms.oneOf('restart', 'sds'), {
    standard: 'restart',
    meaning:
      'how new certificates come to Envoy: restart (a handover) or sds (in place: it reads them from files that are swapped under it)',
  }),
  expiryMarginMs: setting('BATON_CERT_EXPIRY_MARGIN', forms.duration, {
    standard: 600_000,
    meaning: 'BATON_JITTER ends at least this long before the certificates in use do',
  }),
};
