/** Events about certificates, each to where it is decided upon. */
import { type CertificatesSeen, withLook } from './certificates-seen.ts';
import { onCertificatesDelivered, onDeliveryFailed } from './delivery-end.ts';
import type { Event } from './events.ts';
import { onCertificatesProved } from './proof.ts';
import { setState, type Turn } from './turn.ts';

export type CertificateEvent = Extract<
  Event,
  {
    readonly type:
      | 'certificatesSeen'
      | 'certificatesProved'
      | 'certificatesDelivered'
      | 'deliveryFailed';
  }
>;

export function onCertificateEvent(turn: Turn, event: CertificateEvent): Turn {
  switch (event.type) {
    case 'certificatesSeen':
      return onCertificatesSeen(turn, event.seen);
    case 'certificatesProved':
      return onCertificatesProved(turn, event);
    case 'certificatesDelivered':
      return onCertificatesDelivered(turn, event);
    case 'deliveryFailed':
      return onDeliveryFailed(turn, event);
  }
}

function onCertificatesSeen(turn: Turn, seen: CertificatesSeen): Turn {
  return setState(turn, { certificates: withLook(turn.state, seen) });
}
