"""The smallest ACL policies with which Nomatron works, and nothing more.

`READ` renders, plans, watches and explains; `WRITE` changes what runs. A
cluster whose reads and writes share one token gives that token both.
Fine-grained capabilities need Nomad 1.11.2; older clusters give `submit-job`
in place of `plan-job` and of all of `WRITE` but `dispatch-job`.
"""

from __future__ import annotations

READ = ("parse-job", "plan-job", "read-job", "list-jobs", "read-logs")

WRITE = ("register-job", "deregister-job", "dispatch-job", "promote-deployment", "fail-deployment", "pause-deployment")


def rules(*capabilities: str, namespace: str = "default") -> str:
    """The policy text that gives these capabilities in a namespace."""
    listed = "".join(f'    "{capability}",\n' for capability in capabilities)
    return f'namespace "{namespace}" {{\n  capabilities = [\n{listed}  ]\n}}\n'
