"""Fields of the job and its groups, as Nomad's HTTP API names and types them (Nomad 2.0).

The notation is described in `fields`.
"""

from __future__ import annotations

TABLE = """
Job
    Region region string?
    Namespace namespace string?
    ID id string?
    Name name string?
    Type type string?
    Priority priority int?
    AllAtOnce all_at_once bool?
    Datacenters datacenters strings
    NodePool node_pool string?
    Constraints constraint many Constraint
    Affinities affinity many Affinity
    TaskGroups group many TaskGroup
    Update update one UpdateStrategy
    Multiregion multiregion one Multiregion
    Spreads spread many Spread
    Periodic periodic one PeriodicConfig
    ParameterizedJob parameterized one ParameterizedJobConfig
    Reschedule reschedule one ReschedulePolicy
    Migrate migrate one MigrateStrategy
    Meta meta map_block
    UI ui one JobUIConfig
    Stop - bool?
    ParentID - string?
    Dispatched - bool
    DispatchIdempotencyToken - string?
    Payload - bytes
    ConsulNamespace - string?
    VaultNamespace - string?
    NomadTokenID - string?
    Status - string?
    StatusDescription - string?
    Stable - bool?
    Version - int?
    SubmitTime - int?
    CreateIndex - int?
    ModifyIndex - int?
    JobModifyIndex - int?
    VersionTag - one JobVersionTag
TaskGroup
    Name - label
    Count count int?
    Constraints constraint many Constraint
    Affinities affinity many Affinity
    Tasks task many Task
    Spreads spread many Spread
    Volumes volume labelled VolumeRequest
    RestartPolicy restart one RestartPolicy
    Disconnect disconnect one DisconnectStrategy
    ReschedulePolicy reschedule one ReschedulePolicy
    EphemeralDisk ephemeral_disk one EphemeralDisk
    Update update one UpdateStrategy
    Migrate migrate one MigrateStrategy
    Networks network many NetworkResource
    Meta meta map_block
    Services service many Service
    ShutdownDelay shutdown_delay duration?
    MaxRunDuration max_run_duration duration?
    StopAfterClientDisconnect stop_after_client_disconnect duration?
    MaxClientDisconnect max_client_disconnect duration?
    Scaling scaling one ScalingPolicy
    Consul consul one Consul
    PreventRescheduleOnLost prevent_reschedule_on_lost bool?
UpdateStrategy
    Stagger stagger duration?
    MaxParallel max_parallel int?
    HealthCheck health_check string?
    MinHealthyTime min_healthy_time duration?
    HealthyDeadline healthy_deadline duration?
    ProgressDeadline progress_deadline duration?
    Canary canary int?
    AutoRevert auto_revert bool?
    AutoPromote auto_promote bool?
MigrateStrategy
    MaxParallel max_parallel int?
    HealthCheck health_check string?
    MinHealthyTime min_healthy_time duration?
    HealthyDeadline healthy_deadline duration?
ReschedulePolicy
    Attempts attempts int?
    Interval interval duration?
    Delay delay duration?
    DelayFunction delay_function string?
    MaxDelay max_delay duration?
    Unlimited unlimited bool?
RestartPolicy
    Interval interval duration?
    Attempts attempts int?
    Delay delay duration?
    Mode mode string?
    RenderTemplates render_templates bool?
DisconnectStrategy
    LostAfter lost_after duration?
    StopOnClientAfter stop_on_client_after duration?
    Replace replace bool?
    Reconcile reconcile string?
EphemeralDisk
    Sticky sticky bool?
    Migrate migrate bool?
    SizeMB size int?
Constraint
    LTarget attribute string
    RTarget value string
    Operand operator string
Affinity
    LTarget attribute string
    RTarget value string
    Operand operator string
    Weight weight int?
Spread
    Attribute attribute string
    Weight weight int?
    SpreadTarget target many SpreadTarget
SpreadTarget
    Value - label
    Percent percent int
PeriodicConfig
    Enabled enabled bool?
    Spec cron string?
    Specs crons strings
    SpecType - string?
    ProhibitOverlap prohibit_overlap bool?
    TimeZone time_zone string?
ParameterizedJobConfig
    Payload payload string
    MetaRequired meta_required strings
    MetaOptional meta_optional strings
Multiregion
    Strategy strategy one MultiregionStrategy
    Regions region many MultiregionRegion
MultiregionStrategy
    MaxParallel max_parallel int?
    OnFailure on_failure string?
MultiregionRegion
    Name - label
    Count count int?
    Datacenters datacenters strings
    NodePool node_pool string
    Meta meta map_block
JobUIConfig
    Description description string
    Links link many JobUILink
JobUILink
    Label label string
    URL url string
JobVersionTag
    Name - string
    Description - string
    TaggedTime - int
ScalingPolicy
    Min min int?
    Max max int?
    Policy policy free_block
    Enabled enabled bool?
    Type type string
    ID - string
    Namespace - string
    Target - map
    CreateIndex - int
    ModifyIndex - int
VolumeRequest
    Name - label
    Type type string
    Source source string
    ReadOnly read_only bool
    Sticky sticky bool
    AccessMode access_mode string
    AttachmentMode attachment_mode string
    MountOptions mount_options one CSIMountOptions
    PerAlloc per_alloc bool
CSIMountOptions
    FSType fs_type string
    MountFlags mount_flags strings
Consul
    Namespace namespace string
    Cluster cluster string
    Partition partition string
"""
