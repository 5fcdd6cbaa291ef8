/** The bootstrap that the bench's Envoys run: one plain and one TLS listener to one upstream. */

export interface BootstrapPorts {
  readonly plain: number;
  readonly tls: number;
  readonly upstream: number;
}

export function benchBootstrap(ports: BootstrapPorts): string {
  return `node: { id: bench, cluster: bench }
static_resources:
  listeners:
  - name: plain
    address: { socket_address: { address: 127.0.0.1, port_value: ${ports.plain} } }
    filter_chains:
    - filters: &filters
      - name: http
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: bench
          route_config:
            virtual_hosts:
            - name: all
              domains: ["*"]
              routes:
              - match: { prefix: / }
                route: { cluster: upstream }
          http_filters:
          - name: router
            typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router }
  - name: tls
    address: { socket_address: { address: 127.0.0.1, port_value: ${ports.tls} } }
    filter_chains:
    - filters: *filters
      transport_socket:
        name: tls
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext
          common_tls_context:
            tls_certificates:
            - certificate_chain: { filename: "\${CERT_DIR}/tls.crt" }
              private_key: { filename: "\${CERT_DIR}/tls.key" }
  clusters:
  - name: upstream
    type: STATIC
    connect_timeout: 1s
    load_assignment:
      cluster_name: upstream
      endpoints:
      - lb_endpoints:
        - endpoint: { address: { socket_address: { address: 127.0.0.1, port_value: ${ports.upstream} } } }
`;
}
