/** The bootstraps of the contract, good for the real Envoy and enough for the fake one. */

/** One HTTP listener on loopback that answers every request with `epoch N`. */
export function listening({ epoch, port }: { epoch: number; port: number }): object {
  return {
    stats_flush_interval: '1s',
    static_resources: {
      listeners: [
        {
          name: 'inbound',
          address: { socket_address: { address: '127.0.0.1', port_value: port } },
          filter_chains: [{ filters: [answering(`epoch ${epoch}\n`)] }],
        },
      ],
    },
  };
}

interface TlsFiles {
  readonly chainPath: string;
  readonly keyPath: string;
  /** A bundle that no client is asked to be of. @default none */
  readonly authorityPath?: string;
}

/** A TLS listener with these files; it need not be reachable. */
export function withCertificate({ chainPath, keyPath, authorityPath }: TlsFiles) {
  const pair = {
    certificate_chain: { filename: chainPath },
    private_key: { filename: keyPath },
  };
  const authority =
    authorityPath === undefined
      ? {}
      : { validation_context: { trusted_ca: { filename: authorityPath } } };
  return {
    static_resources: {
      listeners: [
        {
          name: 'inbound',
          address: { socket_address: { address: '127.0.0.1', port_value: 0 } },
          filter_chains: [
            {
              filters: [answering('hello\n')],
              transport_socket: {
                name: 'tls',
                typed_config: {
                  '@type': `${EXTENSION}.transport_sockets.tls.v3.DownstreamTlsContext`,
                  require_client_certificate: false,
                  common_tls_context: { tls_certificates: [pair], ...authority },
                },
              },
            },
          ],
        },
      ],
    },
  };
}

/** Waits for ever for a control plane that isn't there: for its listeners, or for its clusters. */
export function waitingFor(what: 'listeners' | 'clusters'): object {
  const source = {
    initial_fetch_timeout: '0s',
    resource_api_version: 'V3',
    api_config_source: {
      api_type: 'GRPC',
      transport_api_version: 'V3',
      grpc_services: [{ envoy_grpc: { cluster_name: 'control-plane' } }],
    },
  };
  return {
    node: { id: 'contract', cluster: 'contract' },
    dynamic_resources: what === 'listeners' ? { lds_config: source } : { cds_config: source },
    static_resources: { clusters: [unreachableControlPlane] },
  };
}

const EXTENSION = 'type.googleapis.com/envoy.extensions';

const unreachableControlPlane = {
  name: 'control-plane',
  type: 'STATIC',
  connect_timeout: '1s',
  typed_extension_protocol_options: {
    'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
      '@type': `${EXTENSION}.upstreams.http.v3.HttpProtocolOptions`,
      explicit_http_config: { http2_protocol_options: {} },
    },
  },
  load_assignment: {
    cluster_name: 'control-plane',
    endpoints: [
      { lb_endpoints: [{ endpoint: { address: { pipe: { path: '@nobody-listens-here' } } } }] },
    ],
  },
};

function answering(body: string): object {
  return {
    name: 'http',
    typed_config: {
      '@type': `${EXTENSION}.filters.network.http_connection_manager.v3.HttpConnectionManager`,
      stat_prefix: 'inbound',
      route_config: {
        virtual_hosts: [
          {
            name: 'all',
            domains: ['*'],
            routes: [
              {
                match: { prefix: '/' },
                direct_response: { status: 200, body: { inline_string: body } },
              },
            ],
          },
        ],
      },
      http_filters: [
        {
          name: 'envoy.filters.http.router',
          typed_config: { '@type': `${EXTENSION}.filters.http.router.v3.Router` },
        },
      ],
    },
  };
}
