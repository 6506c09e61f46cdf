# A web service: one canary starts first and is promoted when it is healthy; Nomad reverts a failed rollout.
# It also works without Nomatron: `nomad job run -var image=... -var image_tag=... web.nomad.hcl`.

variable "image" {
  type        = string
  description = "Repository of the image, without a tag."
}

variable "image_tag" {
  type        = string
  description = "The version: Nomatron takes it from the request."
}

variable "driver" {
  type        = string
  default     = "docker"
  description = "docker runs the image; raw_exec runs a stand-in if there is no Docker."
}

variable "log_level" {
  type    = string
  default = "info"

  validation {
    condition     = contains(["debug", "info", "warn", "error"], var.log_level)
    error_message = "The log level is debug, info, warn or error."
  }
}

variable "memory" {
  type        = number
  default     = 128
  description = "MiB reserved for each task."
}

variable "count" {
  type        = number
  default     = 1
  description = "How many instances run."

  validation {
    condition     = var.count >= 1 && var.count <= 20
    error_message = "The count is from 1 to 20."
  }
}

variable "port" {
  type        = number
  default     = 8080
  description = "Where the service listens inside its network namespace."
}

job "web" {
  datacenters = ["*"]

  group "web" {
    count = var.count

    update {
      max_parallel      = 1
      canary            = 1
      auto_promote      = true
      auto_revert       = true
      health_check      = "task_states"
      min_healthy_time  = "5s"
      healthy_deadline  = "2m"
      progress_deadline = "5m"
    }

    restart {
      attempts = 0
      mode     = "fail"
    }

    reschedule {
      attempts  = 0
      unlimited = false
    }

    network {
      port "http" {
        to = var.port
      }
    }

    task "web" {
      driver = var.driver

      config {
        image   = var.driver == "docker" ? "${var.image}:${var.image_tag}" : null
        ports   = var.driver == "docker" ? ["http"] : null
        command = var.driver == "docker" ? null : "/bin/sleep"
        args    = var.driver == "docker" ? null : ["86400"]
      }

      env {
        VERSION   = var.image_tag
        LOG_LEVEL = var.log_level
        PORT      = var.port
      }

      resources {
        cpu    = 100
        memory = var.memory
      }
    }
  }
}
