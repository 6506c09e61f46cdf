# a job on every node: a storage plugin
job "system" {
  type = "system"
  group "plugin" {
    disconnect {
      stop_on_client_after = "5m"
    }
    task "plugin" {
      driver = "docker"
      config {
        image      = "registry.example/csi:v1"
        privileged = true
      }
      csi_plugin {
        id             = "storage"
        type           = "node"
        mount_dir      = "/csi"
        health_timeout = "40s"
      }
      resources {
        cores = 2
      }
    }
  }
}
