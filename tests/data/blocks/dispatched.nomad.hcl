# a batch job that starts when it is dispatched
job "dispatched" {
  type = "batch"
  parameterized {
    payload       = "required"
    meta_required = ["customer"]
    meta_optional = ["dry_run"]
  }
  group "import" {
    task "import" {
      driver = "exec"
      config {
        command = "/bin/import"
      }
      dispatch_payload {
        file = "input.json"
      }
      secret "key" {
        provider = "nomad"
        path     = "nomad/jobs/dispatched"
        config {
          namespace = "default"
        }
      }
    }
  }
}
