/** A control plane that has nothing to say and says so when it is let: it holds Envoy before LIVE. */
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ControlPlane {
  /** What a bootstrap needs to ask it for listeners and to wait for its answer. */
  readonly bootstrapFields: {
    readonly dynamic_resources: object;
    readonly cluster: object;
  };
  hold(): void;
  /** Whether someone waits for an answer. */
  isHeld(): boolean;
  letGo(): void;
  close(): Promise<void>;
}

const EMPTY = '{"version_info":"1","resources":[]}';

/** Answers at once until told to hold. */
export async function startControlPlane(): Promise<ControlPlane> {
  const waiting = new Set<ServerResponse>();
  let isHolding = false;
  const answer = (response: ServerResponse) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(EMPTY);
  };
  const server = createServer((request, response) => {
    request.resume();
    if (!isHolding) return answer(response);
    waiting.add(response);
    response.on('close', () => waiting.delete(response));
    return undefined;
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    bootstrapFields: fieldsFor((server.address() as AddressInfo).port),
    hold: () => {
      isHolding = true;
    },
    isHeld: () => waiting.size > 0,
    letGo() {
      isHolding = false;
      for (const response of waiting) answer(response);
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** By REST, which needs no stream; asked once, and waited for without an end. */
function fieldsFor(port: number) {
  const name = 'control';
  const api = {
    api_type: 'REST',
    transport_api_version: 'V3',
    cluster_names: [name],
    refresh_delay: '3600s',
    request_timeout: '3600s',
  };
  const address = { socket_address: { address: '127.0.0.1', port_value: port } };
  return {
    dynamic_resources: {
      lds_config: {
        resource_api_version: 'V3',
        initial_fetch_timeout: '0s',
        api_config_source: api,
      },
    },
    cluster: {
      name,
      type: 'STATIC',
      connect_timeout: '5s',
      load_assignment: {
        cluster_name: name,
        endpoints: [{ lb_endpoints: [{ endpoint: { address } }] }],
      },
    },
  };
}
