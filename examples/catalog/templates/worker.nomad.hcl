# A service without a port: Nomad replaces one allocation at a time, without a canary.
# It does not revert a failed rollout.

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
}

variable "memory" {
  type        = number
  default     = 128
  description = "MiB reserved for each task."
}

variable "count" {
  type    = number
  default = 1
}

job "worker" {
  datacenters = ["*"]

  group "worker" {
    count = var.count

    update {
      max_parallel      = 1
      health_check      = "task_states"
      min_healthy_time  = "5s"
      healthy_deadline  = "2m"
      progress_deadline = "5m"
    }

    task "worker" {
      driver = var.driver

      config {
        image   = var.driver == "docker" ? "${var.image}:${var.image_tag}" : null
        command = var.driver == "docker" ? null : "/bin/sleep"
        args    = var.driver == "docker" ? null : ["86400"]
      }

      env {
        VERSION   = var.image_tag
        LOG_LEVEL = var.log_level
      }

      resources {
        cpu    = 100
        memory = var.memory
      }
    }
  }
}
