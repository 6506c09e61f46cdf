# Consul's service mesh: sidecars, upstreams, exposed checks, native services and gateways
job "mesh" {
  group "api" {
    network {
      mode = "bridge"
      port "api" {
        to = 9001
      }
    }
    service {
      name = "api"
      port = "9001"
      connect {
        sidecar_service {
          tags                       = ["mesh"]
          disable_default_tcp_check  = true
          meta {
            kind = "sidecar"
          }
          proxy {
            local_service_port    = 9001
            local_service_address = "127.0.0.1"
            expose {
              path {
                path            = "/metrics"
                protocol        = "http"
                local_path_port = 9102
                listener_port   = "api"
              }
            }
            upstreams {
              destination_name   = "store"
              destination_type   = "service"
              local_bind_port    = 7000
              local_bind_address = "127.0.0.1"
              datacenter         = "dc2"
              mesh_gateway {
                mode = "local"
              }
              config {
                protocol = "http"
              }
            }
            upstreams {
              destination_name = "billing"
              local_bind_port  = 7001
            }
            config {
              protocol = "http"
            }
          }
        }
        sidecar_task {
          driver       = "docker"
          user         = "envoy"
          kill_timeout = "6s"
          kill_signal  = "SIGTERM"
          config {
            image = "registry.example/envoy:v1.30.0"
          }
          env {
            LEVEL = "info"
          }
          meta {
            a = "b"
          }
          resources {
            cpu    = 200
            memory = 96
          }
          logs {
            max_files     = 2
            max_file_size = 3
          }
          shutdown_delay = "2s"
        }
      }
      check {
        name     = "health"
        type     = "http"
        path     = "/health"
        expose   = true
        interval = "10s"
        timeout  = "2s"
      }
    }
    task "api" {
      driver = "docker"
      config {
        image = "registry.example/api:v2"
      }
    }
  }
  group "through" {
    network {
      mode = "bridge"
    }
    service {
      name = "through"
      port = "9010"
      connect {
        sidecar_service {
          proxy {
            transparent_proxy {
              uid                    = "1337"
              outbound_port          = 15001
              exclude_inbound_ports  = ["9200"]
              exclude_outbound_ports = [5432]
              exclude_outbound_cidrs = ["10.0.0.0/8"]
              exclude_uids           = ["1000"]
              no_dns                 = true
            }
          }
        }
      }
    }
    task "through" {
      driver = "docker"
      config {
        image = "registry.example/through:v2"
      }
    }
  }
  group "native" {
    network {
      port "native" {}
    }
    service {
      name = "native"
      port = "native"
      task = "native"
      connect {
        native = true
      }
    }
    task "native" {
      driver = "docker"
      config {
        image = "registry.example/native:v2"
      }
    }
  }
  group "gateway" {
    network {
      mode = "bridge"
      port "wan" {
        static = 8443
      }
    }
    service {
      name = "gateway"
      port = "wan"
      connect {
        gateway {
          proxy {
            connect_timeout = "7s"
          }
          mesh {}
        }
      }
    }
  }
}
