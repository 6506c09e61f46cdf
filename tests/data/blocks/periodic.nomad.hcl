# a batch job that starts on a schedule
job "periodic" {
  type = "batch"
  periodic {
    crons            = ["0 3 * * *", "0 15 * * *"]
    time_zone        = "Europe/Amsterdam"
    prohibit_overlap = true
    enabled          = true
  }
  group "report" {
    max_run_duration = "2h"
    reschedule {
      attempts       = 2
      interval       = "12h"
      delay          = "6s"
      delay_function = "constant"
      unlimited      = false
    }
    task "report" {
      driver = "exec"
      config {
        command = "/bin/sh"
        args    = ["-c", "set -e\nexport TOKEN=abc\nreport --all\n"]
      }
      dispatch_payload {
        file = "input.json"
      }
    }
  }
}
