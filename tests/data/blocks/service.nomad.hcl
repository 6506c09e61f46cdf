# every block that a service job can have on a cluster of its own, but for those of Consul's service mesh
job "service" {
  type        = "service"
  region      = "global"
  datacenters = ["dc1", "dc2"]
  node_pool   = "default"
  priority    = 60
  all_at_once = false
  meta {
    team = "shop"
  }
  ui {
    description = "The shop"
    link {
      label = "Runbook"
      url   = "https://docs.example/shop"
    }
  }
  constraint {
    attribute = "${attr.kernel.name}"
    value     = "linux"
  }
  constraint {
    operator = "distinct_hosts"
    value    = "true"
  }
  affinity {
    attribute = "${node.class}"
    value     = "big"
    weight    = 70
  }
  spread {
    attribute = "${node.datacenter}"
    weight    = 80
    target "dc1" {
      percent = 60
    }
    target "dc2" {
      percent = 40
    }
  }
  update {
    max_parallel      = 2
    health_check      = "checks"
    min_healthy_time  = "12s"
    healthy_deadline  = "4m"
    progress_deadline = "9m"
    auto_revert       = true
    auto_promote      = true
    canary            = 1
    stagger           = "20s"
  }
  migrate {
    max_parallel     = 2
    health_check     = "checks"
    min_healthy_time = "11s"
    healthy_deadline = "3m"
  }
  reschedule {
    delay          = "31s"
    delay_function = "exponential"
    max_delay      = "2h"
    unlimited      = true
  }
  group "web" {
    count                       = 3
    shutdown_delay              = "4s"
    prevent_reschedule_on_lost  = false
    constraint {
      attribute = "${attr.cpu.arch}"
      operator  = "set_contains_any"
      value     = "amd64,arm64"
    }
    affinity {
      attribute = "${attr.cpu.numcores}"
      operator  = ">="
      value     = "4"
      weight    = 20
    }
    spread {
      attribute = "${attr.rack}"
    }
    disconnect {
      lost_after = "6h"
      replace    = true
      reconcile  = "keep_original"
    }
    ephemeral_disk {
      size    = 500
      migrate = true
      sticky  = true
    }
    restart {
      attempts         = 3
      delay            = "16s"
      interval         = "10m"
      mode             = "delay"
      render_templates = true
    }
    scaling {
      enabled = true
      min     = 1
      max     = 9
      policy {
        cooldown = "2m"
        check "load" {
          source = "prometheus"
          query  = "avg(load)"
          strategy "target-value" {
            target = 70
          }
        }
      }
    }
    consul {
      namespace = "default"
    }
    volume "data" {
      type            = "csi"
      source          = "shop-data"
      read_only       = false
      access_mode     = "multi-node-multi-writer"
      attachment_mode = "file-system"
      mount_options {
        fs_type     = "ext4"
        mount_flags = ["noatime", "nodiratime"]
      }
    }
    volume "certificates" {
      type      = "host"
      source    = "certificates"
      read_only = true
    }
    network {
      mode     = "host"
      hostname = "shop"
      port "http" {
        to           = 8080
        host_network = "public"
      }
      port "metrics" {
        static = 9100
      }
      dns {
        servers  = ["10.0.0.53"]
        searches = ["shop.example"]
        options  = ["ndots:2"]
      }
    }
    service {
      name                = "shop-web"
      provider            = "consul"
      port                = "http"
      address_mode        = "auto"
      tags                = ["blue", "v1"]
      canary_tags         = ["canary"]
      enable_tag_override = true
      on_update           = "require_healthy"
      meta {
        owner = "shop"
      }
      canary_meta {
        owner = "canary"
      }
      tagged_addresses {
        wan = "192.0.2.1"
      }
      weights {
        passing = 3
        warning = 2
      }
      check_restart {
        limit           = 3
        grace           = "90s"
        ignore_warnings = false
      }
      check {
        name                     = "alive"
        type                     = "http"
        path                     = "/alive"
        method                   = "GET"
        protocol                 = "https"
        interval                 = "10s"
        timeout                  = "2s"
        initial_status           = "warning"
        tls_server_name          = "shop.example"
        tls_skip_verify          = false
        success_before_passing   = 2
        failures_before_critical = 3
        failures_before_warning  = 2
        body                     = "ping"
        notes                    = "asked by the load balancer"
        header {
          Accept = ["text/plain"]
        }
      }
      check {
        type         = "grpc"
        grpc_service = "shop.Health"
        grpc_use_tls = true
        interval     = "15s"
        timeout      = "3s"
      }
      check {
        type     = "tcp"
        interval = "20s"
        timeout  = "4s"
      }
      check {
        type     = "tcp"
        port     = "metrics"
        interval = "25s"
        timeout  = "5s"
      }
      check {
        type     = "script"
        task     = "app"
        command  = "/bin/sh"
        args     = ["-c", "exit 0"]
        interval = "30s"
        timeout  = "6s"
      }
    }
    task "app" {
      driver         = "docker"
      user           = "app"
      leader         = true
      kill_timeout   = "21s"
      kill_signal    = "SIGINT"
      shutdown_delay = "3s"
      config {
        image        = "registry.example/shop/app:v1.4.2"
        args         = ["--listen", "0.0.0.0:8080"]
        ports        = ["http"]
        privileged   = false
        cap_add      = ["net_raw"]
        cap_drop     = ["mknod"]
        network_mode = "host"
        volumes      = ["local/conf:/etc/shop"]
        labels {
          team = "shop"
        }
        mount {
          type   = "bind"
          source = "local/cache"
          target = "/cache"
        }
        devices = [{
          host_path = "/dev/fuse"
        }]
      }
      env {
        LOG_LEVEL = "info"
        DB_URL    = "postgres://db.example/shop"
      }
      meta {
        release = "42"
      }
      constraint {
        attribute = "${attr.driver.docker.version}"
        operator  = "semver"
        value     = ">= 20.0.0"
      }
      affinity {
        attribute = "${attr.storage}"
        value     = "ssd"
      }
      identity {
        env         = true
        file        = true
        change_mode = "restart"
      }
      identity {
        name          = "cloud"
        aud           = ["cloud.example"]
        ttl           = "1h"
        change_mode   = "signal"
        change_signal = "SIGHUP"
        file          = true
        filepath      = "local/cloud.jwt"
      }
      vault {
        role                   = "shop"
        cluster                = "default"
        env                    = true
        disable_file           = false
        change_mode            = "signal"
        change_signal          = "SIGHUP"
        allow_token_expiration = true
      }
      consul {
        cluster = "default"
      }
      logs {
        max_files     = 4
        max_file_size = 12
        disabled      = false
      }
      artifact {
        source      = "https://downloads.example/shop.tar.gz"
        destination = "local/shop"
        mode        = "dir"
        insecure    = false
        options {
          checksum = "md5:d41d8cd98f00b204e9800998ecf8427e"
        }
        headers {
          Accept = "application/gzip"
        }
      }
      template {
        data          = <<EOF
listen = "0.0.0.0:8080"
password = "{{ with nomadVar "nomad/jobs/service" }}{{ .password }}{{ end }}"
EOF
        destination   = "local/shop.conf"
        change_mode   = "script"
        perms         = "640"
        uid           = 1000
        gid           = 1000
        splay         = "7s"
        left_delimiter  = "{{"
        right_delimiter = "}}"
        error_on_missing_key = true
        once          = false
        change_script {
          command             = "/bin/reload"
          args                = ["shop"]
          timeout             = "8s"
          fail_on_error       = true
          run_on_first_render = true
        }
        wait {
          min = "2s"
          max = "9s"
        }
      }
      template {
        data          = "LIMIT=5"
        destination   = "secrets/limit.env"
        env           = true
        change_mode   = "noop"
      }
      volume_mount {
        volume           = "data"
        destination      = "/data"
        read_only        = false
        propagation_mode = "private"
      }
      volume_mount {
        volume      = "certificates"
        destination = "/certificates"
        read_only   = true
      }
      restart {
        attempts = 4
      }
      resources {
        cpu        = 500
        memory     = 512
        memory_max = 1024
        secrets    = 16
        device "nvidia/gpu" {
          count = 1
          constraint {
            attribute = "${device.attr.memory}"
            operator  = ">="
            value     = "2 GiB"
          }
          affinity {
            attribute = "${device.attr.memory}"
            operator  = ">="
            value     = "4 GiB"
            weight    = 75
          }
        }
      }
      scaling "cpu" {
        enabled = true
        min     = 100
        max     = 900
        policy {
          cooldown = "5m"
        }
      }
      action "clear" {
        command = "/bin/clear"
        args    = ["--all"]
      }
    }
    task "warm" {
      driver = "raw_exec"
      lifecycle {
        hook    = "poststart"
        sidecar = true
      }
      config {
        command = "/bin/warm"
      }
      resources {
        cores  = 1
        memory = 64
      }
    }
  }
  group "native" {
    network {
      port "native" {}
    }
    task "native" {
      driver = "raw_exec"
      config {
        command = "/bin/native"
      }
      service {
        name     = "shop-native"
        provider = "nomad"
        port     = "native"
        check {
          type     = "http"
          path     = "/"
          interval = "10s"
          timeout  = "1s"
        }
      }
    }
  }
}
