/** A bootstrap whose one listener leads to an upstream and says which content of it is served. */
export interface ServiceBootstrap {
  readonly port: number;
  readonly upstreamPort: number;
  /** Sent with every answer as `x-served-by`. @default 'first' */
  readonly servedBy?: string;
  /** By TLS, with the pair of the certificate folders. @default false */
  readonly isTls?: boolean;
  /** One more listener, on this port. @default none */
  readonly morePort?: number;
  /** @default none */
  readonly accessLogPath?: string;
  /** Bytes as they come, to the upstream's port. @default false */
  readonly isTcp?: boolean;
  /** The port its own admin names. @default none */
  readonly adminPort?: number;
}

export function serviceBootstrap(options: ServiceBootstrap) {
  const { port, upstreamPort, servedBy = 'first', isTls = false, morePort, adminPort } = options;
  const http = { name: 'http', typed_config: connectionManager(servedBy, options) };
  const filters = [options.isTcp ? tcpProxy : http];
  const chain = isTls ? { filters, transport_socket: tlsSocket } : { filters };
  const listeners = [{ name: 'service', address: loopback(port), filter_chains: [chain] }];
  const more = { name: 'more', address: loopback(morePort ?? 0), filter_chains: [{ filters }] };
  return {
    node: { id: 'test', cluster: 'test' },
    ...(adminPort === undefined ? {} : { admin: { address: loopback(adminPort) } }),
    static_resources: {
      listeners: morePort === undefined ? listeners : [...listeners, more],
      clusters: [
        {
          name: 'upstream',
          type: 'STATIC',
          connect_timeout: '5s',
          load_assignment: {
            cluster_name: 'upstream',
            endpoints: [{ lb_endpoints: [{ endpoint: { address: loopback(upstreamPort) } }] }],
          },
        },
      ],
    },
  };
}

function loopback(port: number) {
  return { socket_address: { address: '127.0.0.1', port_value: port } };
}

function connectionManager(servedBy: string, { accessLogPath: path }: ServiceBootstrap) {
  const extensions = 'type.googleapis.com/envoy.extensions';
  const accessLog = {
    name: 'file',
    typed_config: { '@type': `${extensions}.access_loggers.file.v3.FileAccessLog`, path },
  };
  const type = 'filters.network.http_connection_manager.v3.HttpConnectionManager';
  return {
    '@type': `${extensions}.${type}`,
    stat_prefix: 'service',
    ...(path === undefined ? {} : { access_log: [accessLog] }),
    route_config: {
      response_headers_to_add: [{ header: { key: 'x-served-by', value: servedBy } }],
      virtual_hosts: [
        {
          name: 'all',
          domains: ['*'],
          routes: [{ match: { prefix: '/' }, route: { cluster: 'upstream', timeout: '0s' } }],
        },
      ],
    },
    http_filters: [
      {
        name: 'router',
        typed_config: { '@type': `${extensions}.filters.http.router.v3.Router` },
      },
    ],
  };
}

const tcpProxy = {
  name: 'tcp',
  typed_config: {
    '@type': 'type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy',
    stat_prefix: 'service',
    cluster: 'upstream',
  },
};

const tlsSocket = {
  name: 'tls',
  typed_config: {
    '@type': 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext',
    common_tls_context: {
      tls_certificates: [
        {
          certificate_chain: { filename: '${CERT_DIR}/tls.crt' },
          private_key: { filename: '${CERT_DIR}/tls.key' },
        },
      ],
    },
  },
};
