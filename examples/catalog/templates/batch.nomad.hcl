# A batch job: each version runs once, to its end. Nomad creates no deployment for it.

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

job "batch" {
  datacenters = ["*"]
  type        = "batch"

  group "batch" {
    task "batch" {
      driver = var.driver

      config {
        image   = var.driver == "docker" ? "${var.image}:${var.image_tag}" : null
        command = var.driver == "docker" ? null : "/bin/sleep"
        args    = var.driver == "docker" ? null : ["5"]
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
