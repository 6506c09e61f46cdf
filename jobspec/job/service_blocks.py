"""Fields of services, checks and Consul service mesh, as Nomad's HTTP API names and types them (Nomad 2.0).

The notation is described in `fields`.
"""

from __future__ import annotations

TABLE = """
Service
    Name name string
    Tags tags strings
    CanaryTags canary_tags strings
    EnableTagOverride enable_tag_override bool
    PortLabel port string
    AddressMode address_mode string
    Address address string
    Checks check many ServiceCheck
    CheckRestart check_restart one CheckRestart
    Connect connect one ConsulConnect
    Meta meta map_block
    CanaryMeta canary_meta map_block
    TaggedAddresses tagged_addresses map_block
    TaskName task string
    OnUpdate on_update string
    Identity identity one WorkloadIdentity
    Weights weights one ServiceWeights
    Provider provider string
    Cluster cluster string
    Kind kind string
ServiceCheck
    Name name string
    Type type string
    Command command string
    Args args strings
    Path path string
    Protocol protocol string
    PortLabel port string
    Expose expose bool
    AddressMode address_mode string
    Advertise advertise string
    Interval interval duration
    Timeout timeout duration
    InitialStatus initial_status string
    Notes notes string
    TLSServerName tls_server_name string
    TLSSkipVerify tls_skip_verify bool
    Header header lists_block
    Method method string
    CheckRestart check_restart one CheckRestart
    GRPCService grpc_service string
    GRPCUseTLS grpc_use_tls bool
    TaskName task string
    SuccessBeforePassing success_before_passing int
    FailuresBeforeCritical failures_before_critical int
    FailuresBeforeWarning failures_before_warning int
    Body body string
    OnUpdate on_update string
CheckRestart
    Limit limit int
    Grace grace duration?
    IgnoreWarnings ignore_warnings bool
ServiceWeights
    Passing passing int
    Warning warning int
ConsulConnect
    Native native bool
    Gateway gateway one ConsulGateway
    SidecarService sidecar_service one ConsulSidecarService
    SidecarTask sidecar_task one SidecarTask
ConsulSidecarService
    Tags tags strings
    Port port string
    Proxy proxy one ConsulProxy
    DisableDefaultTCPCheck disable_default_tcp_check bool
    Meta meta map_block
SidecarTask
    Name name string
    Driver driver string
    User user string
    Config config free_block
    Env env map_block
    Resources resources one Resources
    Meta meta map_block
    KillTimeout kill_timeout duration?
    LogConfig logs one LogConfig
    ShutdownDelay shutdown_delay duration?
    KillSignal kill_signal string
    VolumeMounts volume_mount many VolumeMount
    Identities identity many WorkloadIdentity
ConsulProxy
    LocalServiceAddress local_service_address string
    LocalServicePort local_service_port int
    Expose expose one ConsulExposeConfig
    ExposeConfig - one ConsulExposeConfig
    Upstreams upstreams many ConsulUpstream
    TransparentProxy transparent_proxy one ConsulTransparentProxy
    Config config free_block
ConsulExposeConfig
    Paths path many ConsulExposePath
    Path - many ConsulExposePath
ConsulExposePath
    Path path string
    Protocol protocol string
    LocalPathPort local_path_port int
    ListenerPort listener_port string
ConsulUpstream
    DestinationName destination_name string
    DestinationNamespace destination_namespace string
    DestinationPeer destination_peer string
    DestinationPartition destination_partition string
    DestinationType destination_type string
    LocalBindPort local_bind_port int
    Datacenter datacenter string
    LocalBindAddress local_bind_address string
    LocalBindSocketPath local_bind_socket_path string
    LocalBindSocketMode local_bind_socket_mode string
    MeshGateway mesh_gateway one ConsulMeshGateway
    Config config free_block
ConsulMeshGateway
    Mode mode string
ConsulTransparentProxy
    UID uid string
    OutboundPort outbound_port int
    ExcludeInboundPorts exclude_inbound_ports strings
    ExcludeOutboundPorts exclude_outbound_ports ints
    ExcludeOutboundCIDRs exclude_outbound_cidrs strings
    ExcludeUIDs exclude_uids strings
    NoDNS no_dns bool
ConsulGateway
    Proxy proxy one ConsulGatewayProxy
    Ingress ingress one ConsulIngressConfigEntry
    Terminating terminating one ConsulTerminatingConfigEntry
    Mesh mesh one ConsulMeshConfigEntry
ConsulGatewayProxy
    ConnectTimeout connect_timeout duration?
    EnvoyGatewayBindTaggedAddresses envoy_gateway_bind_tagged_addresses bool
    EnvoyGatewayBindAddresses envoy_gateway_bind_addresses labelled ConsulGatewayBindAddress
    EnvoyGatewayNoDefaultBind envoy_gateway_no_default_bind bool
    EnvoyDNSDiscoveryType envoy_dns_discovery_type string
    Config config free_block
ConsulGatewayBindAddress
    Name - label
    Address address string
    Port port int
ConsulIngressConfigEntry
    TLS tls one ConsulGatewayTLSConfig
    Listeners listener many ConsulIngressListener
ConsulIngressListener
    Port port int
    Protocol protocol string
    Services service many ConsulIngressService
ConsulIngressService
    Name name string
    Hosts hosts strings
    TLS tls one ConsulGatewayTLSConfig
    RequestHeaders request_headers one ConsulHTTPHeaderModifiers
    ResponseHeaders response_headers one ConsulHTTPHeaderModifiers
    MaxConnections max_connections int?
    MaxPendingRequests max_pending_requests int?
    MaxConcurrentRequests max_concurrent_requests int?
ConsulHTTPHeaderModifiers
    Add add map_block
    Set set map_block
    Remove remove strings
ConsulGatewayTLSConfig
    Enabled enabled bool
    TLSMinVersion tls_min_version string
    TLSMaxVersion tls_max_version string
    CipherSuites cipher_suites strings
    SDS sds one ConsulGatewayTLSSDSConfig
ConsulGatewayTLSSDSConfig
    ClusterName cluster_name string
    CertResource cert_resource string
ConsulTerminatingConfigEntry
    Services service many ConsulLinkedService
ConsulLinkedService
    Name name string
    CAFile ca_file string
    CertFile cert_file string
    KeyFile key_file string
    SNI sni string
ConsulMeshConfigEntry
"""
