"""Fields of a task and what it needs, as Nomad's HTTP API names and types them (Nomad 2.0).

The notation is described in `fields`.
"""

from __future__ import annotations

TABLE = """
Task
    Name - label
    Driver driver string
    User user string
    Lifecycle lifecycle one TaskLifecycle
    Config config free_block
    Constraints constraint many Constraint
    Affinities affinity many Affinity
    Env env map_block
    Services service many Service
    Resources resources one Resources
    RestartPolicy restart one RestartPolicy
    Meta meta map_block
    KillTimeout kill_timeout duration?
    LogConfig logs one LogConfig
    Artifacts artifact many TaskArtifact
    Vault vault one Vault
    Consul consul one Consul
    Templates template many Template
    DispatchPayload dispatch_payload one DispatchPayloadConfig
    VolumeMounts volume_mount many VolumeMount
    CSIPluginConfig csi_plugin one~ TaskCSIPluginConfig
    Leader leader bool
    ShutdownDelay shutdown_delay duration
    KillSignal kill_signal string
    Kind kind string
    ScalingPolicies scaling many ScalingPolicy
    Secrets secret many Secret
    Identity - one WorkloadIdentity
    Identities identity many WorkloadIdentity
    Actions action many Action
    Schedule schedule one TaskSchedule
TaskLifecycle
    Hook hook string!
    Sidecar sidecar bool
LogConfig
    MaxFiles max_files int?
    MaxFileSizeMB max_file_size int?
    Enabled enabled bool?
    Disabled disabled bool?
TaskArtifact
    GetterSource source string?
    GetterOptions options map_block
    GetterHeaders headers map_block
    GetterMode mode string?
    GetterInsecure insecure bool?
    RelativeDest destination string?
    Chown chown bool
Vault
    Policies policies strings
    Role role string
    Namespace namespace string?
    Cluster cluster string
    Env env bool?
    DisableFile disable_file bool?
    ChangeMode change_mode string?
    ChangeSignal change_signal string?
    AllowTokenExpiration allow_token_expiration bool?
Secret
    Name - label
    Provider provider string
    Path path string
    Config config free_block
    Env env map_block
Template
    SourcePath source string?
    DestPath destination string?
    EmbeddedTmpl data string?
    ChangeMode change_mode string?
    ChangeScript change_script one ChangeScript
    ChangeSignal change_signal string?
    Once once bool?
    Splay splay duration?
    Perms perms string?
    Uid uid int?
    Gid gid int?
    LeftDelim left_delimiter string?
    RightDelim right_delimiter string?
    Envvars env bool?
    VaultGrace vault_grace duration?
    Wait wait one WaitConfig
    ErrMissingKey error_on_missing_key bool?
ChangeScript
    Command command string?!
    Args args strings
    Timeout timeout duration?
    FailOnError fail_on_error bool?!
    RunOnFirstRender run_on_first_render bool?
WaitConfig
    Min min duration?!
    Max max duration?!
DispatchPayloadConfig
    File file string
VolumeMount
    Volume volume string?
    Destination destination string?
    ReadOnly read_only bool?
    PropagationMode propagation_mode string?
    SELinuxLabel selinux_label string?
TaskCSIPluginConfig
    ID id string
    Type type string
    MountDir mount_dir string
    StagePublishBaseDir stage_publish_base_dir string
    HealthTimeout health_timeout duration
WorkloadIdentity
    Name name string
    Audience aud strings
    ChangeMode change_mode string
    ChangeSignal change_signal string
    Env env bool
    File file bool
    Filepath filepath string
    ServiceName service_name string
    TTL ttl duration
    ExtraClaims extra_claims strings
Action
    Name - label
    Command command string!
    Args args strings
TaskSchedule
    Cron cron one TaskScheduleCron
TaskScheduleCron
    Start start string
    End end string
    Timezone timezone string
Resources
    CPU cpu int?
    Cores cores int?
    MemoryMB memory int?
    MemoryMaxMB memory_max int?
    DiskMB disk int?
    Networks network many NetworkResource
    Devices device many RequestedDevice
    NUMA numa one NUMAResource
    SecretsMB secrets int?
    IOPS iops int?
RequestedDevice
    Name - label
    Count count int?
    Constraints constraint many Constraint
    Affinities affinity many Affinity
NUMAResource
    Affinity affinity string
    Devices devices strings
NetworkResource
    Mode mode string
    Device device string
    CIDR cidr string
    IP ip string
    DNS dns one DNSConfig
    ReservedPorts reserved_ports many Port
    DynamicPorts port many Port
    Hostname hostname string
    MBits mbits int?
    CNI cni one CNIConfig
Port
    Label - label
    Value static int
    To to int
    HostNetwork host_network string
    IgnoreCollision ignore_collision bool
DNSConfig
    Servers servers strings
    Searches searches strings
    Options options strings
CNIConfig
    Args args map
"""
